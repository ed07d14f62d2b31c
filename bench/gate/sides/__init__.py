"""The two sides of a gate, base and head: their files, their arms, and what their processes import."""
