"""Lays out text for a terminal: tables, indented paragraphs, legends, a line of progress."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from reports.text.columns import Column, headings
from reports.text.numbers import duration
from reports.text.sanitize import plain

T = TypeVar("T")

GAP = 2  # spaces between columns
BAR = 24  # characters of a progress bar


def table(
    columns: Sequence[Column[T]],
    titles: Sequence[str],
    body: Sequence[Sequence[str]],
    width: int,
    groups: Sequence[str] = (),
    styles: Sequence[str] = (),
    file: str = "summary.md",
) -> Iterator[RenderableType]:
    """A table of at most so many characters a line, then the heads of the columns that did not fit.

    titles  the printed heads
    body    the cells of each row
    groups  the group of each row; each group has a heading
    styles  the style of each row's cell in the column whose id is "verdict"
    file    the report that has all columns
    """
    shown = list(range(len(columns)))
    for index in sorted(shown, key=lambda index: -columns[index].dispensable):
        needed = sum(max(map(len, (titles[i], *(line[i] for line in body)))) + GAP for i in shown)
        if needed - GAP > width and columns[index].dispensable:
            shown.remove(index)
    grid = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="dim")
    for index in shown:
        column = columns[index]
        grid.add_column(
            titles[index],
            justify="right" if column.right else "left",
            no_wrap=not column.wraps,
            overflow="fold" if column.wraps else "ellipsis",
        )
    first_left = next(place for place, index in enumerate(shown) if not columns[index].right)
    for number, (line, heading) in enumerate(zip(body, headings(groups) or [""] * len(body), strict=True)):
        if heading:
            grid.add_row(*[""] * first_left, Text(heading, style="italic"))
        style = styles[number] if styles else ""
        grid.add_row(*(Text(line[i], style=style if columns[i].id == "verdict" else "") for i in shown))
    yield grid
    hidden = [titles[i] for i in range(len(columns)) if i not in shown]
    if hidden:
        yield indented(f"(no room here for {', '.join(hidden)}: see {file})", style="dim")


def indented(text: str, style: str = "") -> Padding:
    """A paragraph that belongs to the title above it."""
    return Padding(Text(text, style=style), (0, 0, 0, GAP))


def verbatim(text: str) -> Group:
    """Lines to copy: neither indented nor wrapped, as wide as they are."""
    lines = Text(plain(text, keep="\n\t").rstrip("\n"), no_wrap=True, overflow="ignore", style="cyan")
    return Group(lines)  # printed by itself a text loses that it must not be wrapped


def legend(meanings: Sequence[tuple[str, str]]) -> Padding:
    """What each column says: its head and its meaning."""
    grid = Table.grid(padding=(0, GAP))
    for head, meaning in meanings:
        grid.add_row(Text(head, style="dim"), Text(meaning, style="dim"))
    return Padding(grid, (0, 0, 0, GAP))


def progress_line(elapsed: float, expected: float, text: str, *, width: int) -> str:
    """How far a run has come: a bar for a terminal, the seconds so far for a log; and the time that is left.

    width  characters of the terminal, which the line fits into; 0 for a log
    """
    left = f"about {duration(max(0.0, expected - elapsed))} left"
    if not width:
        return f"[{elapsed:6.1f} s, {left}] {text}"
    done = round(BAR * min(1.0, elapsed / max(expected, 1e-9)))
    line = f"{'━' * done}{'╌' * (BAR - done)} {left} · {text}"
    return line if len(line) < width else f"{line[: width - 2]}…"
