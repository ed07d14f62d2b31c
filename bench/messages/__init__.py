"""The messages between the main process, the workers and the judge: what each can be asked, and what it answers."""
