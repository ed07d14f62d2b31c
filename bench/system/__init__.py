"""Reads what the machine is and what else it is doing."""
