"""The columns of the two tables of a sweep: how each arm grows, and what each race came to."""

from bench.results.record import Plan, Race
from bench.results.statistics import Estimate
from impls.contract.words import grouped
from reports.run.columns import verdict
from reports.run.report import RaceResult
from reports.run.rows import Row
from reports.run.sweep import Course, Size, Sweep, series_of, size_of, sizes_in_digits
from reports.text import numbers
from reports.text.columns import NOTHING, Column


def sweep_columns(sweep: Sweep) -> tuple[Column[Course], ...]:
    """Where an arm's time goes as the swept coordinate grows: what is fixed, what each costs, its times at both ends."""
    one = sweep.unit.one
    called = "the recipe" if sweep.unit.is_parameter else "the file below impls/, device and mode"
    return (
        Column("arm", called, lambda course, _: course.name, right=False, wraps=True),
        Column(
            "fixed",
            f"what an update costs however small: of the straight line fixed + {sweep.swept} x each through its times",
            lambda course, _: _short(course.fit.fixed) if course.fit else NOTHING,
        ),
        Column(
            f"each {one}",
            f"what one more {one} adds to an update, by the same line",
            lambda course, _: _short(course.fit.each) if course.fit else NOTHING,
        ),
        Column(
            "within",
            "how far that line is from the furthest of its times: caches and threads bend it",
            lambda course, _: f"{numbers.count(100 * course.fit.off)} %" if course.fit else NOTHING,
            dispensable=1,
        ),
        Column(
            "exponent",
            f"from the last size but one to the last its time grows as {sweep.swept} to this power; 95 % interval",
            lambda course, _: _exponent(course.exponent),
            dispensable=2,
        ),
        Column(
            "pays",
            f"for which {sweep.swept} it is faster than the reference, for certain; 95 % interval",
            lambda course, _: _pays(course, len(sweep.sizes)),
            right=False,
        ),
        Column(
            "memory",
            "the most that its process held, at the smallest size and at the largest; the framework is most of it",
            _memory,
            dispensable=5,
        ),
        *(_at(size, sweep, 4 - turn) for turn, size in enumerate(dict.fromkeys((sweep.sizes[0], sweep.sizes[-1])))),
    )


def _exponent(known: Estimate | None) -> str:
    """ "1.9 (1.7 to 2.1)"."""
    return f"{known.value:.1f} ({known.low:.1f} to {known.high:.1f})" if known else NOTHING


def _pays(course: Course, sizes: int) -> str:
    """ "from 96 (80 to 120)", "at all 5 sizes", "at 3 of 5 sizes"; of a sweep that is not complete, the sizes so far."""
    if not (pays := course.pays):
        return NOTHING
    if pays.change:
        size, low, high = sizes_in_digits(pays.change.size, pays.change.low, pays.change.high)
        return f"{'from' if pays.change.begins else 'up to'} {size} ({low} to {high})"
    if pays.faster == pays.measured:
        return f"at all {pays.measured} sizes{' so far' if pays.measured < sizes else ''}"
    return f"at {pays.faster} of {pays.measured} sizes"


def _memory(course: Course, _: float) -> str:
    known = [point.peak_resident_bytes for point in course.points if point.peak_resident_bytes]
    ends = dict.fromkeys(f"{size / 2**20:.0f}" for size in known[:1] + known[-1:])
    return f"{' to '.join(ends)} MiB" if known else NOTHING


def _at(size: Size, sweep: Sweep, dispensable: int) -> Column[Course]:
    seconds = {course: p.seconds for course in sweep.courses for p in course.points if p.size == size}
    return Column(
        f"at {grouped(size)}",
        f"time of one update where {sweep.swept} is {grouped(size)}, ± half its 95 % interval",
        lambda course, _: _own_unit(seconds.get(course)),
        dispensable=dispensable,
    )


def race_columns(plan: Plan) -> tuple[Column[RaceResult], ...]:
    """One line for each race of a sweep: its fastest arm, and how far the reference was off itself."""

    def fastest(result: RaceResult) -> Row | None:
        return next((row for row in result.rows if row.rank and row.work_class == "faithful"), None)

    return (
        Column(plan.swept, "of one race of the sweep", lambda result, _: _size(result.race, plan)),
        Column(
            "fastest",
            "the fastest of its faithful arms",
            lambda result, _: row.arm.name if (row := fastest(result)) else NOTHING,
            right=False,
            wraps=True,
        ),
        Column("update", "its time", lambda result, _: _own_unit(row.seconds) if (row := fastest(result)) else NOTHING),
        Column(
            "verdict",
            "of that arm against the reference",
            lambda result, _: verdict(row) if (row := fastest(result)) else NOTHING,
            right=False,
        ),
        Column(
            "twin",
            "the reference raced against itself: 1, within what cannot be distinguished here",
            lambda result, _: numbers.estimate(result.twin) if result.twin else NOTHING,
        ),
    )


def _size(race: Race, plan: Plan) -> str:
    series = series_of(race, plan)
    return grouped(size_of(race, plan.swept)) + (f", {series}" if series else "")


def _own_unit(seconds: Estimate | None) -> str:
    return numbers.own_unit(seconds) if seconds else NOTHING


def _short(seconds: float) -> str:
    """Two digits, for a fit has no more: "1.2 µs"; "0"."""
    scale, unit = numbers.unit_for([seconds])
    return f"{numbers.count(seconds / scale)} {unit}" if seconds else "0"
