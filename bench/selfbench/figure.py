"""A measured figure of looprace itself, and the promise it is checked against."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured figure, the promise about it, and whether the promise is kept."""

    name: str
    said: str
    promise: str
    kept: bool
