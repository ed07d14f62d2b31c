"""Numbers as text, and tables as text."""
