"""A report as chapters of findings, tables and doubts; laid out alike for the terminal, as Markdown and as a page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from rich.console import RenderableType
from rich.text import Text

from reports.text import markdown, terminal
from reports.text.columns import Column, cells, heads
from reports.text.sanitize import escape_markdown, plain
from reports.text.terminal import indented

T = TypeVar("T")


@dataclass(frozen=True)
class Table:
    """A table whose cells are texts.

    titles  the printed head of each column
    body    the cells of each row
    styles  the style of each row's verdict in a terminal; or empty
    """

    caption: str
    columns: tuple[Column[Any], ...]
    titles: tuple[str, ...]
    body: tuple[tuple[str, ...], ...]
    styles: tuple[str, ...] = ()

    @property
    def legend(self) -> list[tuple[str, str]]:
        """Each column's head, without its unit, and what it means."""
        return [(column.head.partition(",")[0], column.meaning) for column in self.columns]


@dataclass(frozen=True)
class Chapter:
    """Findings first, then tables, then doubts. The heading may be empty where there is only one chapter."""

    heading: str
    findings: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    doubts: tuple[str, ...] = ()


def table(
    caption: str,
    columns: Sequence[Column[T]],
    rows: Sequence[T],
    scale: float = 1.0,
    unit: str = "",
    styles: Sequence[str] = (),
) -> Table:
    """The rows as texts; `scale` is the number of seconds in a `unit` of time."""
    body = tuple(tuple(cells(columns, row, scale)) for row in rows)
    return Table(caption, tuple(columns), tuple(heads(columns, unit)), body, tuple(styles))


def to_terminal(title: str, chapters: Sequence[Chapter], width: int, file: str) -> Iterator[RenderableType]:
    """The chapters at a width in characters, then what the columns of their first tables say, then all doubts.

    file  the report that has the columns for which there is no room
    """
    for chapter in chapters:
        yield Text()
        yield Text(plain(chapter.heading or title), style="bold")
        for finding in chapter.findings:
            yield indented(plain(finding))
        for shown in filter(_has_rows, chapter.tables):
            yield Text()
            yield from terminal.table(shown.columns, shown.titles, shown.body, width, styles=shown.styles, file=file)
    if legend := _legend(chapters):
        yield Text()
        yield terminal.legend(legend)
    for chapter in chapters:
        for doubt in chapter.doubts:
            yield Text()
            yield Text(f"! {plain(doubt)}", style="yellow")


def to_markdown(title: str, chapters: Sequence[Chapter]) -> str:
    """The same content in the same order, with all columns."""
    lines = [f"# {escape_markdown(title)}", ""]
    for chapter in chapters:
        lines += [f"## {escape_markdown(chapter.heading)}", ""] if chapter.heading else []
        lines += [f"- {escape_markdown(finding)}" for finding in chapter.findings]
        lines += [""] if chapter.findings else []
        for shown in filter(_has_rows, chapter.tables):
            lines += [*markdown.table(shown.columns, shown.titles, shown.body), ""]
        for doubt in chapter.doubts:
            lines += [f"> {escape_markdown(doubt)}", ""]
    if legend := _legend(chapters):
        lines += ["What the columns say:", "", *(f"- **{head}**: {meaning}" for head, meaning in legend), ""]
    return "\n".join(lines)


def _has_rows(shown: Table) -> bool:
    return bool(shown.body)


def _legend(chapters: Sequence[Chapter]) -> list[tuple[str, str]]:
    """What the columns of each chapter's first table say, every head once."""
    first = [shown for chapter in chapters for shown in list(filter(_has_rows, chapter.tables))[:1]]
    return list(dict(entry for shown in first for entry in shown.legend).items())
