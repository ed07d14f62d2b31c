"""A measured figure of looprace itself beside what is promised of it. Apart: who measures makes it, the door tells it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured figure, the promise it belongs to, and whether the promise is kept."""

    name: str
    said: str
    promise: str
    kept: bool
