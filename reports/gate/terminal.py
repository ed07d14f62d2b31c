"""A gate as rich renderables, for the door to print: its headline last, for that is what a log of CI ends with."""

from collections.abc import Iterator
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from bench.results.gate import GateVerdict
from reports.gate import columns
from reports.gate.commands import repeat, resume
from reports.gate.headline import compared, headline, notes, title
from reports.gate.rows import rows
from reports.gate.words import sentence
from reports.run import terminal
from reports.run.columns import cells, heads
from reports.run.terminal import indented

MOST = 40  # arms that have a sentence, for a screen is read from its end
AGAIN = 3  # commands that are shown
STYLES: Final = {
    "regressed": "bold red",
    "wrong": "bold red",
    "failed": "bold red",
    "unmeasured": "bold red",
    "missing": "bold red",
    "unresolved": "yellow",
    "improved": "green",
    "ok": "green",
    "nothing to race": "green",
}
FILE = "summary.md"


def render(verdict: GateVerdict, width: int) -> Iterator[RenderableType]:
    """What was compared, the table, what there is to say of single arms, commands, and the headline.

    width  characters a line; columns that do not fit are left out, and named
    """
    yield Text()
    yield Text(f"Gate: {title(verdict)}", style="bold")
    for said in compared(verdict):
        yield indented(f"{said}.")
    found = rows(verdict)
    shown = [row for row in found if row.found.word != "identical"]
    if shown:
        chosen = columns.arms(shown)
        styles = [STYLES.get(row.found.word, "dim") for row in shown]
        yield Text()
        body = [cells(chosen, row) for row in shown]
        yield from terminal.table(chosen, heads(chosen), body, width, styles=styles, file=FILE)
        yield Text()
        telling = [row for row in shown if row.telling]
        for row in telling[:MOST]:
            yield indented(f"{sentence(row)}.", style="red" if row.found.stops else "")
        if len(telling) > MOST:
            yield indented(f"And {len(telling) - MOST} more: see {FILE}.")
        yield Text()
        yield terminal.meanings([(column.head, column.meaning) for column in chosen])
    yield Text()
    for note in notes(verdict):
        yield indented(f"{note}.")
    again = [repeat(verdict.plan, row.found.cell.arm) for row in found if row.again]
    if again:
        yield indented("To repeat one arm:" if len(again) <= AGAIN else f"To repeat one arm (all: see {FILE}):", "dim")
        yield from (indented(f"  {command}") for command in again[:AGAIN])
    if unfinished(verdict):
        yield indented("To go on with it:", "dim")
        yield indented(f"  {resume(verdict.plan)}")
    yield Text()
    yield Text(headline(verdict), style=STYLES.get(verdict.word, ""))


def unfinished(verdict: GateVerdict) -> bool:
    """Whether more rounds can say more."""
    return not verdict.complete or any(found.word == "unresolved" for found in verdict.cells)
