"""How the referee of steps does in its exam, beside other rules, as a table and a figure."""
