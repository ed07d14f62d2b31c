"""The exam of what looprace survives: kills at random and at every write, damaged files, and the same kills of other tools."""
