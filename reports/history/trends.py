"""The history of all runs of a folder: how each arm's time went from run to run, and at which run it changed."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from bench.results import statistics
from bench.results.record import Arm, Plan, Record, Status
from bench.results.statistics import Estimate
from bench.results.store import Store, StoreError, refuse_links
from impls.contract import Work
from reports.compare.environments import Setup, setup_of
from reports.run.race_records import by_arm
from reports.run.rows import worst
from reports.text.sanitize import plain

Floats = NDArray[np.float64]

LEAST_RUNS = 5  # before a change is looked for
FALSE_ALARMS = 0.01  # share of histories in which nothing changed that may report a change, all their arms together
LEAST_NOISE = (
    0.005  # the least standard deviation of a run, in logarithms: processes of identical code differ by as much
)
LEAST_LENGTH = 2  # runs that a level lasts at least
OUTLIER = 4  # standard deviations from its neighbours beyond which a single run is an outlier, and no change


@dataclass(frozen=True)
class Point:
    """One arm in one run. Points whose reference or data differ measure different quantities.

    reference  key of the arm that its ratio is to
    data       digests of the data that it was timed on
    code       fingerprints of its code
    """

    arm: Arm
    work: Work
    status: Status
    reason: str
    seconds: Estimate | None
    ratio: Estimate | None
    reference: str
    data: frozenset[str]
    code: frozenset[str]


@dataclass(frozen=True)
class PastRun:
    """What a history keeps of a run: when and on what it ran, and its arms by key, without twins."""

    folder: Path
    name: str
    started: str
    setup: Setup
    points: Mapping[str, Point]

    @property
    def date(self) -> str:
        """The day on which it began: "2026-11-23"."""
        return self.started[:10]


@dataclass(frozen=True)
class Levels:
    """A quantity that stays at one level from run to run until it steps to another. Runs are counted from 0.

    runs    the runs that count, rising
    starts  the first run of each level
    values  of each level: the geometric mean of its runs
    wanted  how many more runs are needed before changes are looked for
    """

    runs: tuple[int, ...]
    starts: tuple[int, ...]
    values: tuple[float, ...]
    wanted: int

    @property
    def changes(self) -> list[tuple[int, float]]:
        """Each run at which a level follows another, and the new level over the one before."""
        return [
            (start, after / before)
            for start, before, after in zip(self.starts[1:], self.values, self.values[1:], strict=False)
        ]

    def at(self, run: int) -> float | None:
        """The level of a run; None for a run that does not count."""
        return self.values[sum(start <= run for start in self.starts) - 1] if run in self.runs else None


@dataclass(frozen=True)
class Trend:
    """One arm over all runs of a machine.

    key      the arm's identity in all runs
    name     the arm's short name, or its key where arms share that name
    points   one for each run, None where the run did not have the arm
    ratio    levels of its ratio to the reference; None where it has no ratio, as the reference itself
    seconds  levels of its seconds, in which drift of the machine counts too
    """

    key: str
    name: str
    arm: Arm
    points: tuple[Point | None, ...]
    ratio: Levels | None
    seconds: Levels | None

    @property
    def levels(self) -> Levels | None:
        """The levels in which changes are looked for: of its ratio, or of its seconds where it has no ratio."""
        return self.ratio or self.seconds

    @property
    def last(self) -> Point:
        """Its point in the latest run that had it."""
        return next(point for point in reversed(self.points) if point)


@dataclass(frozen=True)
class History:
    """The runs of one machine, the earliest first, and the trends of their arms, those that changed first."""

    machine: str
    runs: tuple[PastRun, ...]
    trends: tuple[Trend, ...]


@dataclass(frozen=True)
class Histories:
    """One history for each machine, that of the latest run first; and a complaint for each run or file left out."""

    histories: tuple[History, ...]
    complaints: tuple[str, ...]


def read(results: Path) -> Histories:
    """The histories of the runs in a folder. Raises StoreError when there is no run in it."""
    stores = Store.all(results)
    if not stores:
        raise StoreError(f"There is no run in {results} yet: `python -m bench run` makes one.")
    runs: list[PastRun] = []
    complaints: list[str] = []
    for store in stores:
        try:
            refuse_links(store.path)
            plan, environment = store.plan(), store.environment()
        except StoreError as error:
            complaints.append(str(error))
            continue
        records, unread = store.records()
        complaints += unread
        runs.append(past_run(store.path, plan, environment, records))
    return histories(runs, complaints)


def past_run(folder: Path, plan: Plan, environment: Mapping[str, Any], records: Sequence[Record]) -> PastRun:
    """What a history keeps of a run; its raw blocks are not kept."""
    records_of = by_arm(records)
    points = {
        arm.key: _point(arm, records_of.get(arm, []), records_of.get(race.reference, []), race.reference.key)
        for race in plan.races
        for arm in race.arms
        if arm.role != "twin"
    }
    started = min((record.started for record in records), default="")
    return PastRun(folder, plain(plan.run), plain(started), setup_of(environment), points)


def _point(arm: Arm, records: Sequence[Record], reference: Sequence[Record], against: str) -> Point:
    status, reason = worst(records)
    return Point(
        arm=arm,
        work=next((record.work for record in records if record.first_seconds is not None), "faithful"),
        status=status,
        reason=reason,
        seconds=statistics.seconds_per_update(records),
        ratio=statistics.ratio(records, reference) if arm.role != "reference" else None,
        reference=against,
        data=frozenset(record.digest for record in records if record.blocks),
        code=frozenset(record.fingerprint for record in records if record.fingerprint),
    )


def histories(runs: Sequence[PastRun], complaints: Sequence[str] = ()) -> Histories:
    """The runs by machine. Runs without a record or a machine, and second copies of a run, are left out with a complaint."""
    complaints = list(complaints)
    machines: dict[str, dict[str, PastRun]] = {}
    for run in sorted(runs, key=lambda run: (run.started, run.name)):
        known = machines.setdefault(run.setup.name, {})
        if not run.started:
            complaints.append(f"{run.name} has no record: it was stopped before its first round ended.")
        elif not run.setup.machine:
            complaints.append(f"{run.name} does not say on what machine it ran, so it belongs to no history.")
        elif run.name in known:
            complaints.append(f"{run.name} was found twice: the second copy is ignored.")
        else:
            known[run.name] = run
    by_machine = [(machine, tuple(known.values())) for machine, known in machines.items() if known]
    by_machine.sort(key=lambda entry: entry[1][-1].started, reverse=True)
    return Histories(tuple(_history(machine, known) for machine, known in by_machine), tuple(complaints))


def _history(machine: str, runs: tuple[PastRun, ...]) -> History:
    latest = {key: point.arm for run in runs for key, point in run.points.items()}
    names = Counter(arm.name for arm in latest.values())
    alarm = FALSE_ALARMS / (2 * max(1, len(latest)))  # each arm has a ratio and seconds
    trends = [
        _trend(key, arm.name if names[arm.name] == 1 else arm.key, [run.points.get(key) for run in runs], alarm)
        for key, arm in latest.items()
    ]
    return History(machine, runs, tuple(sorted(trends, key=_place)))


def _trend(key: str, name: str, points: Sequence[Point | None], alarm: float) -> Trend:
    last = next(point for point in reversed(points) if point)
    ratio = _comparable(points, lambda point: point.ratio, lambda point: (point.reference, point.data))
    seconds = _comparable(points, lambda point: point.seconds, lambda point: point.data)
    return Trend(key, name, last.arm, tuple(points), levels_of(ratio, alarm), levels_of(seconds, alarm))


def _comparable(
    points: Sequence[Point | None],
    quantity: Callable[[Point], Estimate | None],
    basis: Callable[[Point], object],
) -> dict[int, Estimate]:
    """What each run measured of a quantity, of those runs whose answer was right and whose basis is that of the latest.

    basis  of a point: the data it was timed on, and the reference
    """
    able = {at: point for at, point in enumerate(points) if point and point.status == "ok" and quantity(point)}
    if not able:
        return {}
    latest = basis(able[max(able)])
    return {at: estimate for at, point in able.items() if basis(point) == latest and (estimate := quantity(point))}


def _place(trend: Trend) -> tuple[int, int, float, str]:
    """Sorts the latest changes first, the largest of a run first; then by seconds."""
    changes = trend.levels.changes if trend.levels else []
    if changes:
        at, factor = changes[-1]
        return 0, -at, -abs(math.log(factor)), trend.key
    seconds = trend.last.seconds
    return (1, 0, seconds.value, trend.key) if seconds else (2, 0, 0.0, trend.key)


def levels_of(measured: Mapping[int, Estimate], alarm: float) -> Levels | None:
    """The levels of a quantity, from what each run measured of it; None where no run did.

    alarm  share of quantities that never change for which a change may be reported all the same
    """
    if not measured:
        return None
    with_interval = [at for at, estimate in sorted(measured.items()) if estimate.low is not None]
    used = with_interval or sorted(measured)  # a run of a single round does not know its noise
    logarithms = np.log([measured[at].value for at in used])
    wanted = max(0, LEAST_RUNS - len(with_interval))
    starts = [0]
    if not wanted:
        noise = _noise(logarithms, [measured[at].half_width for at in used])
        logarithms = _without_outliers(logarithms, noise)
        starts += _steps(logarithms / noise, alarm)
    values = tuple(math.exp(float(part.mean())) for part in np.split(logarithms, starts[1:]))
    return Levels(tuple(used), tuple(used[start] for start in starts), values, wanted)


def _steps(signal: Floats, alarm: float) -> list[int]:
    """Where the level of a signal of unit variance changes: PELT, the least sum of squares with a penalty per change.

    Where nothing changes, cutting at a place lowers the sum of squares by the square of a normal number. The penalty is
    such that the best of the n - 1 places exceeds it in a share `alarm` of cases.
    """
    import ruptures  # takes half a second

    penalty = float(ndtri(alarm / 2 / (len(signal) - 1))) ** 2
    ends = ruptures.KernelCPD(kernel="linear", min_size=LEAST_LENGTH).fit(signal[:, None]).predict(pen=penalty)
    return [int(end) for end in ends[:-1]]


def _without_outliers(logarithms: Floats, noise: float) -> Floats:
    """The values, with each single outlier replaced by that of its neighbours: two outliers would make a level."""
    values = logarithms.copy()
    middle = np.median([values[:-2], values[1:-1], values[2:]], axis=0)
    values[1:-1] = np.where(np.abs(values[1:-1] - middle) > OUTLIER * noise, middle, values[1:-1])
    for end, beside in ((0, 1), (-1, -2)):
        if abs(values[end] - values[beside]) > OUTLIER * noise:
            values[end] = values[beside]
    return values


def _noise(logarithms: Floats, half_widths: Sequence[float]) -> float:
    """The standard deviation of a run: what the intervals state, or how much neighbours really differ if that is more.

    Half an interval is two standard errors, or more where there are few rounds. Of the differences of neighbours the upper
    quartile is used, which a few steps do not change. It is raised by its own uncertainty, as there are few differences.
    """
    steps = np.abs(np.diff(logarithms))
    normal = float(ndtri(0.875)) * math.sqrt(2)  # the upper quartile of such a difference, of unit variance each
    observed = float(np.quantile(steps, 0.75)) / normal * (1 + 3 / len(logarithms))
    return max(float(np.median(half_widths)) / 2, observed, LEAST_NOISE)
