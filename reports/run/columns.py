"""The columns of every table: head, meaning, text. A new column is one entry here. Apart so that no report words its own."""

from collections.abc import Iterable, Sequence

from bench.results.record import Plan, Race, grouped
from bench.results.statistics import Estimate
from impls.contract.setting import spoken
from reports.run.comparison import RaceResult
from reports.run.rows import Row
from reports.run.sweep import UNITS, Course, Growth, series_of, size_of
from reports.text import numbers
from reports.text.columns import NOTHING, Column


def _rank(row: Row, _: float) -> str:
    return str(row.rank) if row.rank else ""


def verdict(row: Row) -> str:
    """What may be said of an arm, with how many times where it is worth a number: "56.0x faster"; "same"; "wrong"."""
    if row.verdict in ("faster", "slower") and row.ratio:
        factor = row.ratio.value if row.verdict == "slower" else 1 / row.ratio.value
        return f"{numbers.count(factor, 3)}x {row.verdict}" if factor >= 1.1 else row.verdict
    return row.verdict.replace("_", " ")


def _cold(row: Row, _: float) -> str:
    return numbers.seconds(row.cold_seconds) + ("" if row.cold_alone or row.cold_seconds is None else "~")


def _pays_off(row: Row, _: float) -> str:
    found = row.break_even
    if found is None:
        return NOTHING
    if found.updates is None:
        return "never"
    return (numbers.count(found.updates) if found.updates else "at once") + ("" if found.alone else "~")


def _distance(row: Row, _: float) -> str:
    judgement = row.judgement
    if judgement is None or judgement.distance is None:
        return NOTHING
    return f"{judgement.distance:.0e} of {judgement.tolerance:.0e}"


def _share(row: Row) -> float | None:
    judgement = row.judgement
    if judgement is None or judgement.distance is None or not judgement.tolerance:
        return None
    return judgement.distance / judgement.tolerance


COLUMNS: tuple[Column[Row], ...] = (
    Column(
        "#",
        "rank by speed within its class; shared by arms that are the same, or that cannot be told apart",
        _rank,
        key=lambda row: row.rank,
        id="rank",
    ),
    Column(
        "implementation",
        "the file below impls/",
        lambda row, _: row.arm.implementation,
        right=False,
        id="implementation",
    ),
    Column(
        "setting",
        "device, mode, and what is watched",
        lambda row, _: spoken(row.arm.setting),
        right=False,
        wraps=True,
        id="setting",
    ),
    Column(
        "update, {unit}",
        "time of one parameter update once it runs steadily, ± half its 95 % interval over fresh processes",
        lambda row, scale: numbers.estimate(row.seconds, scale) if row.seconds else NOTHING,
        key=lambda row: row.seconds.value if row.seconds else None,
        id="update",
    ),
    Column(
        "x reference",
        "its time over the reference's, paired lap by lap: 0.5 takes half as long",
        lambda row, _: "1" if row.arm.role == "reference" else numbers.estimate(row.ratio) if row.ratio else NOTHING,
        dispensable=1,
        key=lambda row: row.ratio.value if row.ratio else None,
        id="x-reference",
    ),
    Column(
        "x floor",
        "its time over that of only reading the data once an update; below 1: it keeps the data on the chip",
        lambda row, _: numbers.estimate(row.floor) if row.floor else NOTHING,
        dispensable=2,
        occasional=True,
        key=lambda row: row.floor.value if row.floor else None,
        id="x-floor",
    ),
    Column(
        "verdict",
        "what that ratio allows to be said; same: within 2 % for certain; floor: trains nothing, does only a part of an update",
        lambda row, _: verdict(row),
        right=False,
        key=lambda row: row.ratio.value if row.ratio else None,
        id="verdict",
    ),
    Column(
        "whole job",
        "the workload from start to end, timed once",
        lambda row, _: numbers.seconds(row.job_seconds),
        dispensable=3,
        key=lambda row: row.job_seconds,
        id="whole-job",
    ),
    Column(
        "cold start",
        "import, build and first update, with any compilation; ~ when others were starting beside it",
        _cold,
        dispensable=5,
        key=lambda row: row.cold_seconds,
        id="cold-start",
    ),
    Column(
        "pays off after",
        "updates after which a later start has paid for itself against the reference; never: it is not faster",
        _pays_off,
        dispensable=4,
        occasional=True,
        key=lambda row: row.break_even.updates if row.break_even else None,
        id="pays-off-after",
    ),
    Column(
        "final loss",
        "computed by the referee from the weights at the end of the job",
        lambda row, _: f"{row.judgement.loss:.6g}" if row.judgement and row.judgement.loss is not None else NOTHING,
        dispensable=6,
        key=lambda row: row.judgement.loss if row.judgement else None,
        id="final-loss",
    ),
    Column(
        "off the oracle",
        "distance of its weights from the float64 answer, of what rounding can explain",
        _distance,
        dispensable=7,
        key=_share,
        id="off-the-oracle",
    ),
)


def columns_of(rows: Iterable[Row]) -> tuple[Column[Row], ...]:
    """The columns that a run with these rows shows."""
    found = list(rows)
    return tuple(c for c in COLUMNS if not c.occasional or any(c.text(row, 1.0) != NOTHING for row in found))


def unit_of(rows: Sequence[Row]) -> tuple[float, str]:
    """The unit in which a table shows its updates: that of its arms, whatever is the unit of those that read no data."""
    timed = [row for row in rows if row.seconds]
    chosen = [row for row in timed if row.work == "faithful"] or timed
    return numbers.unit_for([row.seconds.value for row in chosen if row.seconds])


def growth_columns(growth: Growth) -> tuple[Column[Course], ...]:
    """Where an arm's time goes as the swept coordinate grows: what is fixed, what each costs, its times at both ends."""
    one = UNITS[growth.swept][0]
    return (
        Column("arm", "the file below impls/, device and mode", lambda course, _: course.name, right=False, wraps=True),
        Column(
            "fixed",
            f"what an update costs however small: of the straight line fixed + {growth.swept} x each through its times",
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
            "memory",
            "the most that its process held, at the smallest size and at the largest; the framework is most of it",
            _memory,
            dispensable=4,
        ),
        *(_at(size, growth, 3 - turn) for turn, size in enumerate(dict.fromkeys((growth.sizes[0], growth.sizes[-1])))),
    )


def _memory(course: Course, _: float) -> str:
    known = [point.peak_resident_bytes for point in course.points if point.peak_resident_bytes]
    ends = dict.fromkeys(f"{size / 2**20:.0f}" for size in known[:1] + known[-1:])
    return f"{' to '.join(ends)} MiB" if known else NOTHING


def _at(size: int, growth: Growth, dispensable: int) -> Column[Course]:
    found = {course: p.seconds for course in growth.courses for p in course.points if p.size == size}
    return Column(
        f"at {grouped(size)}",
        f"time of one update where {growth.swept} is {grouped(size)}, ± half its 95 % interval",
        lambda course, _: _own_unit(found.get(course)),
        dispensable=dispensable,
    )


def race_columns(plan: Plan) -> tuple[Column[RaceResult], ...]:
    """One line for each race of a sweep: its fastest arm, and how far the reference was off itself."""

    def fastest(result: RaceResult) -> Row | None:
        return next((row for row in result.rows if row.rank and row.work == "faithful"), None)

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
            "the reference raced against itself: 1, but for what cannot be told apart here",
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
