"""A comparison as rich renderables, for the door to print. Apart from Markdown, which has no colour and no width."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from msgspec.structs import replace
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bench.results.record import Caveat, Race
from reports.run.columns import (
    Column,
    cells,
    columns_of,
    growth_columns,
    headed,
    heads,
    race_columns,
    unit_of,
)
from reports.run.comparison import Comparison, RaceResult
from reports.run.findings import answers
from reports.run.rows import Row, excused
from reports.run.sweep import Growth, overtaking, sentence, told
from reports.text.numbers import plain

T = TypeVar("T")

GAP = 2  # spaces between columns
BAR = 24  # characters of a progress bar
STYLES = {
    "faster": "green",
    "slower": "yellow",
    "wrong": "bold red",
    "reference": "bold",
    "same": "",
    "unresolved": "dim",
    "floor": "dim",
}


def render(
    comparison: Comparison, width: int, spent: Mapping[Race, Iterable[RenderableType]] | None = None
) -> Iterator[RenderableType]:
    """Race by race: title, findings, table, the rows without a time and why; then what each column says, and warnings.

    A sweep is one table of how its arms grow, with a line a race.

    width  characters a line; columns that do not fit are left out, and named
    spent  where the time goes, of each race that was profiled
    """
    growth = comparison.growth
    if growth and len(comparison.races) > 1:
        yield from _sweep(comparison, growth, width)
        legend = [(column.head, column.meaning) for column in growth_columns(growth)]
        legend += [(column.head, column.meaning) for column in race_columns(comparison.plan)]
        warnings = _one_of_each(comparison.warnings)
    else:
        columns = columns_of(row for result in comparison.races for row in result.rows)
        for result in comparison.races:
            yield from _race(result, columns, width)
            yield from (spent or {}).get(result.race, ())
        legend = [(c.head.partition(",")[0], c.meaning) for c in columns]
        warnings = list(comparison.warnings)
    yield Text()
    yield meanings(legend)
    for warning in warnings:
        yield Text()
        yield Text(f"! {plain(warning.text)}.", style="yellow")
        yield indented(f"{plain(warning.advice)}.", style="yellow")


def _race(result: RaceResult, columns: Sequence[Column[Row]], width: int) -> Iterator[RenderableType]:
    yield Text()
    yield Text(plain(result.race.title), style="bold")
    for finding in result.findings:
        yield indented(plain(finding))
    yield Text()
    scale, unit = unit_of(result.rows)
    lines = [cells(columns, row, scale) for row in result.rows]
    styles = [STYLES.get(row.verdict, "red") for row in result.rows]
    yield from table(columns, heads(columns, unit), lines, width, [row.group for row in result.rows], styles)
    yield from _excuses([result.rows])


def _excuses(races: Sequence[Sequence[Row]], sizes: Sequence[str] = ()) -> Iterator[Padding]:
    """Why rows have no time, or no rank; of several races each reason once, with the sizes at which it held."""
    found: dict[str, list[str]] = {}
    for number, rows in enumerate(races):
        for names, why in excused(rows):
            found.setdefault(plain(f"{', '.join(names)}: {why}"), []).extend(sizes[number : number + 1])
    for said, where in found.items():
        yield indented(said + (f" (at {', '.join(where)})" if where and len(where) < len(races) else ""), style="red")


def _sweep(comparison: Comparison, growth: Growth, width: int) -> Iterator[RenderableType]:
    yield Text()
    yield Text(plain(growth.title), style="bold")
    crossings, others = told(growth)
    for crossing in crossings:
        yield indented(plain(f"{sentence(crossing, growth.swept)}."))
    if others:
        yield indented(f"And {others} more: see summary.md.")
    if none := overtaking(growth):
        yield indented(none)
    yield indented(plain(answers([row for result in comparison.races for row in result.rows])))
    yield Text()
    columns = growth_columns(growth)
    lines = [cells(columns, course) for course in growth.courses]
    yield from table(columns, heads(columns), lines, width, [course.work for course in growth.courses])
    yield Text()
    races = race_columns(comparison.plan)
    yield from table(races, heads(races), [cells(races, result) for result in comparison.races], width)
    sizes = [cells(races, result)[0] for result in comparison.races]
    yield from _excuses([result.rows for result in comparison.races], sizes)


def _one_of_each(warnings: Sequence[Caveat]) -> list[Caveat]:
    """One warning of each code, which says how many more there are: a sweep has as many as it has races."""
    found: dict[str, list[Caveat]] = {}
    for warning in warnings:
        found.setdefault(warning.code, []).append(warning)
    return [
        replace(first, text=f"{first.text} (and {len(more)} more like it: see summary.md)") if more else first
        for first, *more in found.values()
    ]


def meanings(legend: Sequence[tuple[str, str]]) -> Padding:
    """What each column says."""
    grid = Table.grid(padding=(0, GAP))
    for head, meaning in legend:
        grid.add_row(Text(head, style="dim"), Text(meaning, style="dim"))
    return Padding(grid, (0, 0, 0, GAP))


def indented(text: str, style: str = "") -> Padding:
    """A paragraph that belongs to the title above it."""
    return Padding(Text(text, style=style), (0, 0, 0, GAP))


def progress_line(elapsed: float, expected: float, text: str, *, bar: bool) -> str:
    """Where a run stands: a bar for a terminal, the seconds so far for a log; and what is left of those expected."""
    left = f"about {max(0.0, expected - elapsed):.0f} s left"
    if not bar:
        return f"[{elapsed:6.1f} s, {left}] {text}"
    done = round(BAR * min(1.0, elapsed / max(expected, 1e-9)))
    return f"{'━' * done}{'╌' * (BAR - done)} {left} · {text}"[:150]


def table(
    columns: Sequence[Column[T]],
    titles: Sequence[str],
    body: Sequence[Sequence[str]],
    width: int,
    groups: Sequence[str] = (),
    styles: Sequence[str] = (),
    file: str = "summary.md",
) -> Iterator[RenderableType]:
    """Rows with the headings of their groups, and the name of each column that had no room.

    styles  of the verdict of each row
    file    that shows all columns
    """
    shown = list(range(len(columns)))
    for index in sorted(shown, key=lambda index: -columns[index].dispensable):
        needed = sum(max(map(len, (titles[i], *(line[i] for line in body)))) + GAP for i in shown)
        if needed - GAP > width and columns[index].dispensable:
            shown.remove(index)
    grid = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="dim")
    for index in shown:
        grid.add_column(
            titles[index], justify="right" if columns[index].right else "left", no_wrap=not columns[index].wraps
        )
    first_left = next(place for place, index in enumerate(shown) if not columns[index].right)
    for number, (line, heading) in enumerate(zip(body, headed(groups) or [""] * len(body), strict=True)):
        if heading:
            grid.add_row(*[""] * first_left, Text(heading, style="italic"))
        style = styles[number] if styles else ""
        grid.add_row(*(Text(line[i], style=style if titles[i] == "verdict" else "") for i in shown))
    yield grid
    hidden = [titles[i] for i in range(len(columns)) if i not in shown]
    if hidden:
        yield indented(f"(no room here for {', '.join(hidden)}: see {file})", style="dim")
