"""Counts as text, in titles and reports alike."""


def grouped(number: float) -> str:
    """A number in groups of three: "100 000"."""
    return f"{number:,}".replace(",", " ")


def counted(number: int, one: str, more: str = "") -> str:
    """A number and what it counts: "1 row", "2 300 rows"; `more` where the plural is not made with an s."""
    return f"{grouped(number)} {one if number == 1 else more or f'{one}s'}"
