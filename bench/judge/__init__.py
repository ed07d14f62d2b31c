"""The referee of steps, in a process of its own: what an update may change, and whether an arm's updates do just that."""
