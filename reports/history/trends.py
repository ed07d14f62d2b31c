"""All runs of a folder in a row: how each arm's time went, and at which run it changed. Apart from any single run."""

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
from bench.results.store import Store, StoreError
from reports.compare.environments import Setup, setup_of
from reports.run.race_records import by_arm
from reports.run.rows import worst
from reports.text.sanitize import plain

Floats = NDArray[np.float64]

LEAST = 5  # runs before a change is looked for
ALARM = 0.01  # share of histories in which nothing changed that may tell of a change, all their arms together
STEADIEST = 0.005  # no two runs are taken to agree better than this: processes of identical code do not
STEP = 2  # runs that a level lasts at least
OFF = 4  # standard deviations from its neighbours at which a single run is off, which is no change


@dataclass(frozen=True)
class Point:
    """One arm in one run.

    reference, data, code  what its ratio is to, what it was timed on, what it was: with any other it is another quantity
    """

    arm: Arm
    status: Status
    reason: str
    seconds: Estimate | None
    ratio: Estimate | None
    reference: str
    data: frozenset[str]
    code: frozenset[str]


@dataclass(frozen=True)
class PastRun:
    """What a history keeps of a run: when and on what it ran, and its arms by key, twins aside."""

    folder: Path
    name: str
    started: str
    setup: Setup
    points: Mapping[str, Point]

    @property
    def date(self) -> str:
        """The day it began."""
        return self.started[:10]


@dataclass(frozen=True)
class Levels:
    """A quantity that stays at a level from run to run until it goes to another.

    runs    the places in the history of the runs that count, rising
    starts  the places at which a level begins, the first of them included
    values  of each level: the geometric mean of its runs
    wanted  how many more runs it takes before changes are looked for
    """

    runs: tuple[int, ...]
    starts: tuple[int, ...]
    values: tuple[float, ...]
    wanted: int

    @property
    def changes(self) -> list[tuple[int, float]]:
        """Each place at which a level begins after another, and how many times that other it is."""
        return [
            (start, after / before)
            for start, before, after in zip(self.starts[1:], self.values, self.values[1:], strict=False)
        ]

    def at(self, run: int) -> float | None:
        """The level of the run at a place; None for one that does not count."""
        return self.values[sum(start <= run for start in self.starts) - 1] if run in self.runs else None


@dataclass(frozen=True)
class Trend:
    """One arm over all runs of a machine.

    label     the arm's key
    name      the arm's own, where that is enough to tell it from the others
    points    one for each run, None where the run did not have it
    ratio     levels of its ratio to the reference; None where it has none, as the reference itself
    seconds   levels of its bare seconds, in which drift of the machine counts too
    """

    label: str
    name: str
    arm: Arm
    points: tuple[Point | None, ...]
    ratio: Levels | None
    seconds: Levels | None

    @property
    def told(self) -> Levels | None:
        """What it is judged by: its ratio; its seconds where there is no ratio."""
        return self.ratio or self.seconds

    @property
    def last(self) -> Point:
        """What the latest run that had it says."""
        return next(point for point in reversed(self.points) if point)


@dataclass(frozen=True)
class History:
    """The runs of one machine, the earliest first, and the trends of their arms, those that changed first."""

    machine: str
    runs: tuple[PastRun, ...]
    trends: tuple[Trend, ...]


@dataclass(frozen=True)
class Histories:
    """One history for each machine, that of the latest run first; and a sentence for whatever is not in them."""

    histories: tuple[History, ...]
    complaints: tuple[str, ...]


def read(results: Path) -> Histories:
    """The histories of a folder of runs. Raises StoreError when there is no run in it."""
    stores = Store.all(results)
    if not stores:
        raise StoreError(f"There is no run in {results} yet: `python -m bench run` makes one.")
    runs: list[PastRun] = []
    complaints: list[str] = []
    for store in stores:
        try:
            plan, environment = store.plan(), store.environment()
        except StoreError as error:
            complaints.append(str(error))
            continue
        records, unread = store.records()
        complaints += unread
        runs.append(past_run(store.path, plan, environment, records))
    return histories(runs, complaints)


def past_run(folder: Path, plan: Plan, environment: Mapping[str, Any], records: Sequence[Record]) -> PastRun:
    """What is kept of a run; its raw blocks are not."""
    seen = by_arm(records)
    points = {
        arm.key: _point(arm, seen.get(arm, []), seen.get(race.reference, []), race.reference.key)
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
        status=status,
        reason=reason,
        seconds=statistics.seconds_per_update(records),
        ratio=statistics.ratio(records, reference) if arm.role != "reference" else None,
        reference=against,
        data=frozenset(record.digest for record in records if record.blocks),
        code=frozenset(record.fingerprint for record in records if record.fingerprint),
    )


def histories(runs: Sequence[PastRun], complaints: Sequence[str] = ()) -> Histories:
    """Reads nothing but its arguments; runs without a record, without a machine, or that come twice are named."""
    said = list(complaints)
    machines: dict[str, dict[str, PastRun]] = {}
    for run in sorted(runs, key=lambda run: (run.started, run.name)):
        mine = machines.setdefault(run.setup.name, {})
        if not run.started:
            said.append(f"{run.name} has no record: it was stopped before its first round was over.")
        elif not run.setup.machine:
            said.append(f"{run.name} does not say on what machine it ran, so it belongs to no history.")
        elif run.name in mine:
            said.append(f"{run.name} is there twice: the second counts for nothing.")
        else:
            mine[run.name] = run
    known = [(machine, tuple(mine.values())) for machine, mine in machines.items() if mine]
    known.sort(key=lambda each: each[1][-1].started, reverse=True)
    return Histories(tuple(_history(machine, mine) for machine, mine in known), tuple(said))


def _history(machine: str, runs: tuple[PastRun, ...]) -> History:
    latest = {label: point.arm for run in runs for label, point in run.points.items()}
    short = Counter(arm.name for arm in latest.values())
    alarm = ALARM / (2 * max(1, len(latest)))  # each has a ratio and seconds
    trends = [
        _trend(label, arm.name if short[arm.name] == 1 else arm.label, [run.points.get(label) for run in runs], alarm)
        for label, arm in latest.items()
    ]
    return History(machine, runs, tuple(sorted(trends, key=_place)))


def _trend(label: str, name: str, points: Sequence[Point | None], alarm: float) -> Trend:
    last = next(point for point in reversed(points) if point)
    ratio = _comparable(points, lambda point: point.ratio, lambda point: (point.reference, point.data))
    seconds = _comparable(points, lambda point: point.seconds, lambda point: point.data)
    return Trend(label, name, last.arm, tuple(points), levels(ratio, alarm), levels(seconds, alarm))


def _comparable(
    points: Sequence[Point | None],
    quantity: Callable[[Point], Estimate | None],
    basis: Callable[[Point], object],
) -> dict[int, Estimate]:
    """The right answers' times by place, as far as they are of the same data, and to the same reference, as the latest."""
    able = {at: point for at, point in enumerate(points) if point and point.status == "ok" and quantity(point)}
    if not able:
        return {}
    now = basis(able[max(able)])
    return {at: found for at, point in able.items() if basis(point) == now and (found := quantity(point))}


def _place(trend: Trend) -> tuple[int, int, float, str]:
    """What changed last comes first, the largest change of a run before the others; then by seconds."""
    changes = trend.told.changes if trend.told else []
    if changes:
        at, factor = changes[-1]
        return 0, -at, -abs(math.log(factor)), trend.label
    seconds = trend.last.seconds
    return (1, 0, seconds.value, trend.label) if seconds else (2, 0, 0.0, trend.label)


def levels(found: Mapping[int, Estimate], alarm: float) -> Levels | None:
    """The levels of a quantity, given what each run measured; None where none did.

    alarm  share of quantities that never change in which one may be told all the same
    """
    if not found:
        return None
    sure = [at for at, each in sorted(found.items()) if each.low is not None]  # a single round does not know its noise
    used = sure or sorted(found)
    logarithms = np.log([found[at].value for at in used])
    wanted = max(0, LEAST - len(sure))
    starts = [0]
    if not wanted:
        noise = _noise(logarithms, [found[at].half_width for at in used])
        logarithms = _calm(logarithms, noise)
        starts += _steps(logarithms / noise, alarm)
    values = tuple(math.exp(float(part.mean())) for part in np.split(logarithms, starts[1:]))
    return Levels(tuple(used), tuple(used[start] for start in starts), values, wanted)


def _steps(signal: Floats, alarm: float) -> list[int]:
    """Where the level of a signal of unit variance changes: by PELT, the least sum of squares with a penalty a change.

    Where nothing changes, the best of the n - 1 places to cut lowers the sum of squares by no more than the penalty in all
    but `alarm` of cases: each lowers it by the square of a normal number.
    """
    import ruptures  # takes half a second

    penalty = float(ndtri(alarm / 2 / (len(signal) - 1))) ** 2
    found = ruptures.KernelCPD(kernel="linear", min_size=STEP).fit(signal[:, None]).predict(pen=penalty)
    return [int(at) for at in found[:-1]]


def _calm(logarithms: Floats, noise: float) -> Floats:
    """With a run that is off on its own put where its neighbours are: it would make a level of two."""
    calm = logarithms.copy()
    middle = np.median([calm[:-2], calm[1:-1], calm[2:]], axis=0)
    calm[1:-1] = np.where(np.abs(calm[1:-1] - middle) > OFF * noise, middle, calm[1:-1])
    for end, beside in ((0, 1), (-1, -2)):
        if abs(calm[end] - calm[beside]) > OFF * noise:
            calm[end] = calm[beside]
    return calm


def _noise(logarithms: Floats, half_widths: Sequence[float]) -> float:
    """The standard deviation of a run: what the intervals state, or how much neighbours really differ, which may be more.

    Two standard errors are half of an interval, or more where there are few rounds. Of the differences of neighbours the
    upper quartile tells: a few steps leave it alone. It is raised by what so few of them may be off.
    """
    steps = np.abs(np.diff(logarithms))
    normal = float(ndtri(0.875)) * math.sqrt(2)  # the upper quartile of such a difference, of unit variance each
    seen = float(np.quantile(steps, 0.75)) / normal * (1 + 3 / len(logarithms))
    return max(float(np.median(half_widths)) / 2, seen, STEADIEST)
