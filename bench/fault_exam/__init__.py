"""The exam of what looprace survives: kills at random and at every write, damaged files; the same kills of others."""
