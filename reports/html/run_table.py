"""The tables of the page: their cells, with the numbers to sort by."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

from reports.run.columns import unit_of
from reports.run.report import RaceResult
from reports.run.rows import Row, spoken_verdict, unranked_reason
from reports.run.sweep import Sweep
from reports.run.sweep_columns import sweep_columns
from reports.text.columns import Column, cells, heads

T = TypeVar("T")

CLASSES = {
    "faithful": "faithful: every update reads its data, and uses the weights of the update before",
    "algorithmic": "algorithmic: the same answer by less work, ranked apart",
    "floor": "floors: train nothing, do only a part of an update",
    "unranked": "not ranked: wrong, or without a time",
}
CLASSES_OF_STEP = {
    "faithful": "faithful: proved to compute the same as the step, but for rounding",
    "coarser": "coarser: the same but for coarser rounding, ranked apart",
    "algorithmic": "algorithmic: another algorithm, ranked apart",
    "floor": CLASSES["floor"],
    "unranked": "not ranked: wrong, not judged, or without a time",
}
GLYPHS = {"faster": "▲", "slower": "▼", "same": "=", "unresolved": "?", "reference": "◆", "floor": "┄"} | dict.fromkeys(
    ("undecidable", "unjudged"), "?"
)
GRAVE, MISSING = "✗", "–"  # of any other verdict
NOT_TRIED = ("unsupported", "unavailable", "interrupted")


@dataclass(frozen=True)
class Head:
    """The head of a column; the address of a page names the column that it is sorted by with its id."""

    text: str
    meaning: str
    id: str
    right: bool
    wraps: bool
    dispensable: int
    numeric: bool


@dataclass(frozen=True)
class Cell:
    """A text, and the number to sort by; empty for none."""

    text: str
    key: str


@dataclass(frozen=True)
class Line:
    """A row of a table.

    target   the id of the arm's details
    reason   why it has no time, or no rank
    """

    target: str
    verdict: str
    glyph: str
    cells: tuple[Cell, ...]
    reference: bool
    reason: str


@dataclass(frozen=True)
class Group:
    """The rows of a class; `heading` is empty for the only class."""

    name: str
    heading: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Table:
    """A table of the page; `timed` is the index of the first column that an arm without a time leaves empty."""

    caption: str
    heads: tuple[Head, ...]
    groups: tuple[Group, ...]
    timed: int


def table(result: RaceResult, columns: Sequence[Column[Row]], targets: Sequence[str]) -> Table:
    """The rows of a race, class by class; `targets` are the ids of the arms' details."""
    scale, unit = unit_of(result.listed)
    groups = []
    lines = zip(result.listed, targets, strict=True)
    titles_of_classes = CLASSES_OF_STEP if result.step else CLASSES
    for name, same in groupby(lines, key=lambda line: line[0].group):
        of_class = [_line(row, target, _cells(columns, row, scale)) for row, target in same]
        groups.append(Group(name, titles_of_classes[name], tuple(of_class)))
    titles = _heads(columns, unit)
    first = next((place for place, head in enumerate(titles) if head.id == "update"), len(titles))
    return Table(f"The arms of {result.race.title}, the fastest of each class first", titles, tuple(groups), first)


def sweep_table(sweep: Sweep) -> Table:
    """Where the time of each arm goes as the swept size grows."""
    columns = sweep_columns(sweep)
    lines = tuple(Line("", "", "", _cells(columns, course, 1.0), False, "") for course in sweep.courses)
    return Table(sweep.title, _heads(columns, ""), (Group("", "", lines),), len(columns))


def classes(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """The classes of these rows, and what each is called."""
    present = {row.group for row in rows}
    return [(name, text.partition(":")[0]) for name, text in CLASSES_OF_STEP.items() if name in present]


def verdicts(rows: Sequence[Row]) -> list[tuple[str, str, str]]:
    """The verdicts of these rows, each with its text and its sign."""
    present = dict.fromkeys(row.verdict for row in rows)
    order = [*(name for name in GLYPHS if name in present), *sorted(name for name in present if name not in GLYPHS)]
    return [(name, spoken_verdict(name), glyph(name)) for name in order]


def glyph(verdict: str) -> str:
    """A verdict as a sign, for readers who cannot tell its colour."""
    return GLYPHS.get(verdict, MISSING if verdict in NOT_TRIED else GRAVE)


def _line(row: Row, target: str, cells: tuple[Cell, ...]) -> Line:
    return Line(
        target=target,
        verdict=row.verdict,
        glyph=glyph(row.verdict),
        cells=cells,
        reference=row.arm.role == "reference",
        reason=unranked_reason(row),
    )


def _heads(columns: Sequence[Column[T]], unit: str) -> tuple[Head, ...]:
    return tuple(
        Head(
            text=text,
            meaning=column.meaning,
            id=column.id,
            right=column.right,
            wraps=column.wraps,
            dispensable=column.dispensable,
            numeric=column.key is not None,
        )
        for column, text in zip(columns, heads(columns, unit), strict=True)
    )


def _cells(columns: Sequence[Column[T]], row: T, scale: float) -> tuple[Cell, ...]:
    keys = [column.key(row) if column.key else None for column in columns]
    return tuple(
        Cell(text, repr(key) if key is not None and math.isfinite(key) else "")
        for text, key in zip(cells(columns, row, scale), keys, strict=True)
    )
