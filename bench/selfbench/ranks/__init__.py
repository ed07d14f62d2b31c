"""How well the ranks of a quick run repeat, beside those of other tools: the same arms, about the same minutes."""
