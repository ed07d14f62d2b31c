"""How well the order of arms repeats, in looprace and in other tools, as a table."""
