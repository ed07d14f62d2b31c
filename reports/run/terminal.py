"""A comparison as rich renderables, for the door to print. Apart from Markdown, which has no colour and no width."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace
from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from bench.results.record import Caveat, Race
from reports.run.columns import columns_of, growth_columns, race_columns, unit_of
from reports.run.comparison import Comparison, RaceResult
from reports.run.findings import answers
from reports.run.rows import Row, excused
from reports.run.sweep import Growth, overtaking, sentence, told
from reports.text.columns import Column, cells, heads
from reports.text.sanitize import plain
from reports.text.terminal import indented, legend, table

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
        meanings = [(column.head, column.meaning) for column in growth_columns(growth)]
        meanings += [(column.head, column.meaning) for column in race_columns(comparison.plan)]
        warnings = _one_of_each(comparison.warnings)
    else:
        columns = columns_of(row for result in comparison.races for row in result.rows)
        for result in comparison.races:
            yield from _race(result, columns, width)
            yield from (spent or {}).get(result.race, ())
        meanings = [(c.head.partition(",")[0], c.meaning) for c in columns]
        warnings = list(comparison.warnings)
    yield Text()
    yield legend(meanings)
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
