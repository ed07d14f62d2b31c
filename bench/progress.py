"""Where a long command stands, as it tells whoever shows it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """What is being done, and seconds so far and expected in all."""

    doing: str
    elapsed: float
    expected: float
