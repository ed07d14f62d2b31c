"""A plain page: findings, pictures and tables, chapter by chapter. Apart: run against run and histories need no more."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from reports.figures.kit.figure import Figure
from reports.html.kit import template
from reports.html.kit.template import PlacedFigure
from reports.text.columns import Column, cells, heads

T = TypeVar("T")


@dataclass(frozen=True)
class Head:
    """The head of a column, what it means, and whether its cells are set to the right, and may take several lines."""

    text: str
    meaning: str
    right: bool
    wraps: bool


@dataclass(frozen=True)
class Grid:
    """A table as texts."""

    caption: str
    heads: tuple[Head, ...]
    lines: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Chapter:
    """What is said first, then shown, then listed, then doubted. Without a heading where it is the only one."""

    heading: str
    findings: tuple[str, ...]
    figures: tuple[PlacedFigure, ...]
    grids: tuple[Grid, ...]
    doubts: tuple[str, ...]


def grid(caption: str, columns: Sequence[Column[T]], rows: Sequence[T], scale: float = 1.0, unit: str = "") -> Grid:
    """The rows in the columns that every other report shows them in."""
    titles = heads(columns, unit)
    return Grid(
        caption,
        tuple(
            Head(text, column.meaning, column.right, column.wraps) for text, column in zip(titles, columns, strict=True)
        ),
        tuple(tuple(cells(columns, row, scale)) for row in rows),
    )


def chapter(
    heading: str,
    findings: Sequence[str],
    pictures: Sequence[Figure],
    grids: Sequence[Grid],
    doubts: Sequence[str] = (),
) -> Chapter:
    """A chapter of these; tables without a row are left out."""
    shown = tuple(map(template.placed, pictures))
    return Chapter(heading, tuple(findings), shown, tuple(each for each in grids if each.lines), tuple(doubts))


def render(title: str, about: Sequence[str], chapters: Sequence[Chapter]) -> bytes:
    """The page; the same bytes for the same chapters.

    about  a few words each: what of, where
    """
    told = {head.text: head.meaning for each in chapters for grid in each.grids for head in grid.heads}
    return template.render(
        "simple_page.html", title, {"about": list(about), "chapters": chapters, "legend": list(told.items())}
    )
