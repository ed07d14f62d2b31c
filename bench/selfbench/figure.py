"""A measured figure of looprace itself, and the promise about it where there is one."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured figure.

    said     its value in words
    promise  what is promised of it; empty where nothing is
    kept     whether the promise is kept; None without one
    """

    name: str
    said: str
    promise: str = ""
    kept: bool | None = None
