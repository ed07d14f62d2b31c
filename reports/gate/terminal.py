"""A gate as rich renderables for the console: the headline last, because a log of CI is read from its end."""

from collections.abc import Iterator, Mapping
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from reports.gate import columns
from reports.gate.summary import GateReport, Tone
from reports.text import terminal
from reports.text.columns import cells, heads
from reports.text.terminal import indented

MOST = 40  # arms that have a sentence
AGAIN = 3  # commands that are shown
STYLES: Final[Mapping[Tone, str]] = {"bad": "bold red", "open": "yellow", "good": "green", "neutral": "dim"}
FILE = "summary.md"


def render(report: GateReport, width: int) -> Iterator[RenderableType]:
    """What was compared, the table, sentences about single arms, commands, and the headline.

    width  characters a line; columns that do not fit are left out, and named
    """
    yield Text()
    yield Text(f"Gate: {report.title}", style="bold")
    for sentence in report.compared:
        yield indented(f"{sentence}.")
    if report.shown:
        yield from _arms(report, width)
    yield Text()
    for note in report.notes:
        yield indented(f"{note}.")
    again = [row.again for row in report.rows if row.again]
    if again:
        yield indented("To repeat one arm:" if len(again) <= AGAIN else f"To repeat one arm (all: see {FILE}):", "dim")
        yield from (indented(f"  {command}") for command in again[:AGAIN])
    if report.unfinished:
        yield indented("To go on with it:", "dim")
        yield indented(f"  {report.resume}")
    yield Text()
    yield Text(report.headline, style=STYLES[report.tone])


def _arms(report: GateReport, width: int) -> Iterator[RenderableType]:
    """The table of arms, the sentences that say more than it does, and what its columns mean."""
    shown = report.shown
    chosen = columns.arms(shown)
    styles = [STYLES[row.tone] for row in shown]
    yield Text()
    body = [cells(chosen, row) for row in shown]
    yield from terminal.table(chosen, heads(chosen), body, width, styles=styles, file=FILE)
    yield Text()
    explained = [row for row in shown if row.needs_sentence]
    for row in explained[:MOST]:
        yield indented(f"{row.sentence}.", style="red" if row.verdict.stops else "")
    if len(explained) > MOST:
        yield indented(f"And {len(explained) - MOST} more: see {FILE}.")
    yield Text()
    yield terminal.legend([(column.head, column.meaning) for column in chosen])
