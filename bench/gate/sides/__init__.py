"""The two sides of a gate, base and head: their code, their arms, and what each process of theirs imports."""
