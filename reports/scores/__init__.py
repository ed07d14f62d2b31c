"""How looprace does beside other tools, as tables: how well its order of arms repeats, and what it survives."""
