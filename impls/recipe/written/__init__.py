"""A recipe as a file: a module that trains by it in an ordinary loop, and imports nothing of looprace."""
