"""How this gate does beside others, as a table and a figure."""
