"""What a column of a table is: its id, head, meaning and text. The terminal, Markdown and HTML lay out the same columns."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from reports.text.sanitize import plain

T = TypeVar("T")

NOTHING = "-"
HEADINGS = {
    "faithful": "faithful:",
    "coarser": "coarser:",
    "algorithmic": "algorithmic:",
    "floor": "floors:",
    "unranked": "not ranked:",
}


@dataclass(frozen=True)
class Column(Generic[T]):
    """A column of a table whose rows are values of type T.

    head         what is printed above it; may name the unit of the table as {unit}
    meaning      one sentence on what it says, for the legend
    text         of the cell, from the row and the scale of the unit
    right        whether its cells are set to the right
    dispensable  0, or the order in which columns are left out of a table that is too wide, the highest first
    occasional   whether the column is left out where no row has anything to say in it
    wraps        whether a cell may take several lines
    key          the number to sort by; None in place of the function sorts by the text
    id           by which code and the addresses of a page find it; empty where nothing looks for it
    """

    head: str
    meaning: str
    text: Callable[[T, float], str]
    right: bool = True
    dispensable: int = 0
    occasional: bool = False
    wraps: bool = False
    key: Callable[[T], float | None] | None = None
    id: str = ""


def heads(columns: Sequence[Column[T]], unit: str = "") -> list[str]:
    """The heads of the columns, with the unit filled in."""
    return [column.head.format(unit=unit) for column in columns]


def cells(columns: Sequence[Column[T]], row: T, scale: float = 1.0) -> list[str]:
    """The texts of one row, in the order of the columns."""
    return [plain(column.text(row, scale)) for column in columns]


def filled(columns: Iterable[Column[T]], rows: Iterable[T]) -> tuple[Column[T], ...]:
    """The columns without those occasional ones that have nothing to say in any row."""
    rows = list(rows)
    return tuple(c for c in columns if not c.occasional or any(c.text(row, 1.0) != NOTHING for row in rows))


def headings(groups: Sequence[str]) -> list[str]:
    """For each row, the heading to print above it, or nothing; `groups` names the group of each row.

    There are no headings where all ranked rows are of one group.
    """
    if len(set(groups) - {"unranked"}) < 2:
        return [""] * len(groups)
    return [HEADINGS[group] if before != group else "" for before, group in zip(["", *groups], groups, strict=False)]
