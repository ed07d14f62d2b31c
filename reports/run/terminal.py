"""The report of a run as rich renderables, for the console to print."""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace
from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from bench.results.record import Caveat
from reports.growth import scaling_text
from reports.profile import predictions
from reports.profile import text as profile_text
from reports.run import climb_text
from reports.run.climb import ClimbResult
from reports.run.columns import unit_of
from reports.run.findings import answers
from reports.run.report import RaceResult, RunReport
from reports.run.rows import Row, excuses
from reports.run.step_findings import step_answers
from reports.run.step_summary import StepSummary
from reports.run.sweep import Sweep, finding, no_crossing, telling_crossings
from reports.run.sweep_columns import race_columns, sweep_columns
from reports.text.columns import Column, cells, heads
from reports.text.sanitize import plain
from reports.text.terminal import indented, legend, table, verbatim

STYLES = {
    "faster": "green",
    "slower": "yellow",
    "wrong": "bold red",
    "undecidable": "yellow",
    "unjudged": "yellow",
    "reference": "bold",
    "same": "",
    "unresolved": "dim",
    "floor": "dim",
}


def render(report: RunReport, width: int) -> Iterator[RenderableType]:
    """Race by race its title, findings and table, and why rows have no time; then the legend of the columns, and warnings.

    A sweep is one table of how its arms grow, with a line for each race.

    width  characters a line; columns that do not fit are left out, and named
    """
    if report.sweep and len(report.races) > 1:
        yield from _sweep(report, report.sweep, width)
        columns = [(column.head, column.meaning) for column in sweep_columns(report.sweep)]
        columns += [(column.head, column.meaning) for column in race_columns(report.plan)]
        warnings = _one_of_each(report.warnings)
    else:
        for result in report.races:
            yield from _race(result, report.columns, width)
            if result.climb:
                yield from _climb(result.climb, width)
            if result.step:
                yield from _remarks(result.step)
            if result.profiled:
                yield from profile_text.terminal(result.profiled.attributions, width)
                yield from predictions.terminal(result.profiled.predictions, width)
        columns = [(column.head.partition(",")[0], column.meaning) for column in report.columns]
        warnings = list(report.warnings)
    yield Text()
    yield legend(columns)
    for warning in warnings:
        yield Text()
        yield Text(f"! {plain(warning.text)}.", style="yellow")
        yield indented(f"{plain(warning.advice)}.", style="yellow")
    for result in report.races:
        if result.step and not report.sweep:  # the answer once more, where the eye is when all has been printed
            yield Text()
            name = f"{result.race.title}: " if len(report.races) > 1 else ""
            yield Text(plain(name + result.findings[0].text), style="bold")


def _race(result: RaceResult, columns: Sequence[Column[Row]], width: int) -> Iterator[RenderableType]:
    yield Text()
    yield Text(plain(result.race.title), style="bold")
    if result.step and result.step.summary:
        yield indented(plain(result.step.summary), style="dim")
    for each in result.findings:
        yield indented(plain(each.text), style="bold red" if each.kind == "wrong answers" else "")
    if result.step and result.step.patch:
        yield Text()
        yield indented(plain(result.step.patch.title))
        yield Text()
        yield verbatim(result.step.patch.text)
    yield Text()
    rows = result.listed
    scale, unit = unit_of(rows)
    lines = [cells(columns, row, scale) for row in rows]
    styles = [STYLES.get(row.verdict, "red") for row in rows]
    yield from table(columns, heads(columns, unit), lines, width, [row.group for row in rows], styles)
    yield from _excuses([[row for row in rows if row.status != "ok"]])
    yield from _excuses([[row for row in rows if row.status == "ok"]], style="yellow")


def _climb(climb: ClimbResult, width: int) -> Iterator[RenderableType]:
    yield Text()
    yield Text(climb_text.HEADING, style="bold")
    yield indented(f"{climb_text.summary(climb)}.")
    if climb.steps_up:
        body = [cells(climb_text.STEP_COLUMNS, each) for each in climb.steps_up]
        yield from table(climb_text.STEP_COLUMNS, heads(climb_text.STEP_COLUMNS), body, width)
    for line in climb_text.remarks(climb):
        yield indented(f"{plain(line)}.")


def _remarks(step: StepSummary) -> Iterator[RenderableType]:
    for remarks in step.remarks:
        yield Text()
        yield Text(remarks.heading, style="dim" if remarks.faint else "bold")
        for line in remarks.lines:
            yield indented(f"{plain(line)}.", style="dim" if remarks.faint else "")


def _excuses(races: Sequence[Sequence[Row]], sizes: Sequence[str] = (), style: str = "red") -> Iterator[Padding]:
    """Why rows have no time or no rank; each reason once, with the sizes of the races in which it held."""
    held: dict[str, list[str]] = {}
    for number, rows in enumerate(races):
        for names, reason in excuses(rows):
            held.setdefault(plain(f"{', '.join(names)}: {reason}"), []).extend(sizes[number : number + 1])
    for sentence, at in held.items():
        yield indented(sentence + (f" (at {', '.join(at)})" if at and len(at) < len(races) else ""), style)


def _sweep(report: RunReport, sweep: Sweep, width: int) -> Iterator[RenderableType]:
    yield Text()
    yield Text(plain(sweep.title), style="bold")
    crossings, others = telling_crossings(sweep)
    for crossing in crossings:
        yield indented(plain(finding(crossing, sweep.unit).text))
    if others:
        yield indented(f"And {others} more: see summary.md.")
    if none := no_crossing(sweep):
        yield indented(none)
    for scaling in sweep.scalings:
        yield indented(f"{plain(scaling_text.sentence(scaling))}.")
    stepped = any(result.step for result in report.races)
    yield indented(plain((step_answers if stepped else answers)(report.rows).text))
    said = (each.text for result in report.races for each in result.findings if each.kind == "wrong answers")
    for text in dict.fromkeys(said) if stepped else ():
        yield indented(plain(text), style="bold red")
    yield Text()
    columns = sweep_columns(sweep)
    lines = [cells(columns, course) for course in sweep.courses]
    yield from table(columns, heads(columns), lines, width, [course.work for course in sweep.courses])
    yield Text()
    races = race_columns(report.plan)
    yield from table(races, heads(races), [cells(races, result) for result in report.races], width)
    sizes = [cells(races, result)[0] for result in report.races]
    yield from _excuses([result.rows for result in report.races], sizes)


def _one_of_each(warnings: Sequence[Caveat]) -> list[Caveat]:
    """One warning of each code, which says how many more there are: a sweep has as many as it has races."""
    by_code: dict[str, list[Caveat]] = {}
    for warning in warnings:
        by_code.setdefault(warning.code, []).append(warning)
    return [
        replace(first, text=f"{first.text} (and {len(more)} more like it: see summary.md)") if more else first
        for first, *more in by_code.values()
    ]
