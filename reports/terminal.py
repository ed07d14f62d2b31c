"""A comparison as rich renderables, for the door to print. Apart from Markdown, which has no colour and no width."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from reports.columns import COLUMNS, cells, heads, unit_of
from reports.comparison import Comparison, RaceResult
from reports.words import plain

GAP = 2  # spaces between columns
BAR = 24  # characters of a progress bar
STYLES = {
    "faster": "green",
    "slower": "yellow",
    "wrong": "bold red",
    "reference": "bold",
    "same": "",
    "unresolved": "dim",
}


def render(comparison: Comparison, width: int) -> Iterator[RenderableType]:
    """Race by race: title, findings, table, the rows without a time and why; then what each column says, and warnings.

    width  characters a line; columns that do not fit are left out, and named
    """
    for result in comparison.races:
        yield Text()
        yield Text(plain(result.race.title), style="bold")
        for finding in result.findings:
            yield _indented(plain(finding))
        yield Text()
        yield from _table(result, width)
        for row in result.rows:
            if row.reason and row.status != "ok":
                said = f"{plain(row.arm.name)}: {row.status.replace('_', ' ')}: {plain(row.reason)}"
                yield _indented(said, style="red")
    yield Text()
    legend = Table.grid(padding=(0, GAP))
    for column, head in zip(COLUMNS, heads("..."), strict=True):
        legend.add_row(Text(head.partition(",")[0], style="dim"), Text(column.meaning, style="dim"))
    yield Padding(legend, (0, 0, 0, GAP))
    for warning in comparison.warnings:
        yield Text()
        yield Text(f"! {plain(warning.text)}.", style="yellow")
        yield _indented(f"{plain(warning.advice)}.", style="yellow")


def _indented(text: str, style: str = "") -> Padding:
    return Padding(Text(text, style=style), (0, 0, 0, GAP))


def progress_line(elapsed: float, expected: float, text: str, *, bar: bool) -> str:
    """Where a run stands: a bar for a terminal, the seconds so far for a log; and what is left of those expected."""
    left = f"about {max(0.0, expected - elapsed):.0f} s left"
    if not bar:
        return f"[{elapsed:6.1f} s, {left}] {text}"
    done = round(BAR * min(1.0, elapsed / max(expected, 1e-9)))
    return f"{'━' * done}{'╌' * (BAR - done)} {left} · {text}"[:150]


def _table(result: RaceResult, width: int) -> Iterator[RenderableType]:
    scale, unit = unit_of(result.rows)
    titles = heads(unit)
    body = [cells(row, scale) for row in result.rows]
    shown = list(range(len(COLUMNS)))
    for index in sorted(shown, key=lambda index: -COLUMNS[index].dispensable):
        needed = sum(max(len(titles[i]), *(len(line[i]) for line in body)) + GAP for i in shown)
        if needed - GAP > width and COLUMNS[index].dispensable:
            shown.remove(index)
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="dim")
    for index in shown:
        table.add_column(titles[index], justify="right" if COLUMNS[index].right else "left", no_wrap=True)
    classes = {row.work for row in result.rows if row.rank}
    last = None
    for row, line in zip(result.rows, body, strict=True):
        if row.rank and row.work != last and len(classes) > 1:
            table.add_row("", Text(f"{row.work}:", style="italic"))
            last = row.work
        style = STYLES.get(row.verdict, "red")
        table.add_row(*(Text(line[i], style=style if titles[i] == "verdict" else "") for i in shown))
    yield table
    hidden = [titles[i] for i in range(len(COLUMNS)) if i not in shown]
    if hidden:
        yield Text(f"  (no room here for {', '.join(hidden)}: see summary.md)", style="dim")
