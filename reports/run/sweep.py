"""How an update's time grows from race to race of a sweep, and where one arm overtakes another. Apart from any one race."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.optimize import nnls

from bench.results.record import Arm, Plan, Race, grouped
from bench.results.statistics import Estimate
from impls.contract import Work
from impls.contract.setting import BY_NAME, COORDINATES
from reports.run.crossings import Meeting, changes, crossed
from reports.run.findings import Finding
from reports.run.race_records import RaceRecords
from reports.run.rows import Row
from reports.text import numbers

MOST = 12  # crossings that are told at once; a report that has room for more says how many there are
SIZES_TO_FIT = 3  # any two lie on a straight line
CLASSES: tuple[Work, ...] = ("faithful", "algorithmic", "floor")
UNITS = {each.name: each.swept for each in COORDINATES if each.swept}  # one and many of what a sweep counts


@dataclass(frozen=True)
class Point:
    """Seconds of an update at one size, and the most memory that its process held, where that is known."""

    size: int
    seconds: Estimate
    peak_resident_bytes: int | None = None


@dataclass(frozen=True)
class Fit:
    """seconds = fixed + each * size with the least relative errors; neither is negative.

    off  the largest relative distance of a point from it
    """

    fixed: float
    each: float
    off: float


@dataclass(frozen=True)
class Course:
    """One arm at all the sizes at which it ran and was right, the smallest first.

    arm     as it stands in the race of the smallest of them
    series  what tells its races from others of the same sizes in this run; empty where there are none
    """

    arm: Arm
    series: str
    work: Work
    points: tuple[Point, ...]
    fit: Fit | None

    @property
    def name(self) -> str:
        """The arm's name, with its series."""
        return f"{self.arm.name}{', ' if self.series else ''}{self.series}"

    def seconds_at(self, size: float) -> float | None:
        """Seconds at a size, straight between its neighbours in logarithms; None outside of the sizes that were measured."""
        sizes = [point.size for point in self.points]
        if not sizes[0] <= size <= sizes[-1]:
            return None
        logarithms = np.log([point.seconds.value for point in self.points])
        return math.exp(float(np.interp(math.log(size), np.log(sizes), logarithms)))


@dataclass(frozen=True)
class Crossing:
    """The size from which on an arm is slower than another, which is slower than it below.

    low, high     the least and the greatest at which an edge of the 95 % interval of their paired ratio may cross 1
    below, above  the sizes between which it was found: there the winner is certain
    leading       whether it is the fastest of its class that changes
    """

    slower: Course
    faster: Course
    size: float
    low: float
    high: float
    below: int
    above: int
    leading: bool

    @property
    def telling(self) -> bool:
        """Whether it is about the fastest or about the reference."""
        return self.leading or "reference" in (self.slower.arm.role, self.faster.arm.role)


@dataclass(frozen=True)
class _Size:
    """The race of one size: its rows by the names of their arms, those that have a time and are not watched."""

    size: int
    rows: Mapping[str, Row]
    records: RaceRecords


@dataclass(frozen=True)
class Sweep:
    """A sweep: what grows, the courses by class and speed, and their crossings from the smallest size on."""

    title: str
    swept: str
    sizes: tuple[int, ...]
    courses: tuple[Course, ...]
    crossings: tuple[Crossing, ...]


def sweep_of(plan: Plan, races: Sequence[tuple[Sequence[Row], RaceRecords]]) -> Sweep | None:
    """How the arms of a run grow from race to race; None for a plan that sweeps nothing.

    races  rows and records of each race of the plan
    """
    if not plan.swept:
        return None
    sizes = sorted({size_of(race, plan.swept) for race in plan.races})
    series: dict[str, list[_Size]] = {}
    for race, (rows, records) in zip(plan.races, races, strict=True):
        measured = {row.arm.name: row for row in rows if row.group != "unranked" and row.arm.setting.watch == "none"}
        series.setdefault(series_of(race, plan), []).append(_Size(size_of(race, plan.swept), measured, records))
    courses: list[Course] = []
    crossings: list[Crossing] = []
    for name, at_sizes in series.items():
        at_sizes.sort(key=lambda one: one.size)
        of_series = _courses(name, at_sizes)
        courses += of_series
        crossings += _crossings(of_series, at_sizes)
    return Sweep(
        title=f"{_coordinates(plan.races[0], plan)[0]}, {span(sizes)} {UNITS[plan.swept][1]}",
        swept=plan.swept,
        sizes=tuple(sizes),
        courses=tuple(courses),
        crossings=tuple(sorted(crossings, key=lambda crossing: crossing.size)),
    )


def told(sweep: Sweep) -> tuple[list[Crossing], int]:
    """The crossings to tell, at most MOST, the most telling chosen first; and the number of all others."""
    chosen = sorted(sweep.crossings, key=lambda crossing: (not crossing.leading, not crossing.telling))[:MOST]
    return sorted(chosen, key=lambda crossing: crossing.size), len(sweep.crossings) - len(chosen)


def overtaking(sweep: Sweep) -> str:
    """What is said instead of crossings where there are none; empty where there are."""
    if sweep.crossings:
        return ""
    return "No arm is known to overtake another." if sweep.courses else "Nothing was measured."


def series_of(race: Race, plan: Plan) -> str:
    """What tells a race of a sweep from others of the same size: "2 threads"; empty where there are none."""
    return _coordinates(race, plan)[1]


def size_of(race: Race, swept: str) -> int:
    """The value that the swept coordinate has in a race."""
    return int(BY_NAME[swept].of(race.reference.setting))


def span(sizes: Sequence[int]) -> str:
    """ "8 sizes from 100 to 1 000 000"; a single one as it is."""
    if len(sizes) == 1:
        return grouped(sizes[0])
    return f"{len(sizes)} sizes from {grouped(sizes[0])} to {grouped(sizes[-1])}"


def finding(crossing: Crossing, swept: str) -> Finding:
    """ "linear/c cpu eager becomes slower than linear/numpy cpu eager at 2 300 rows (95 %: 2 100 to 2 600; ...)."."""
    size, low, high = sizes_of(crossing)
    series = f"{crossing.slower.series}: " if crossing.slower.series else ""
    return Finding(
        "crossing",
        f"{series}{crossing.slower.arm.name} becomes slower than {crossing.faster.arm.name} at {size} {UNITS[swept][1]}",
        f"95 %: {low} to {high}; measured at {grouped(crossing.below)} and {grouped(crossing.above)}",
    )


def sizes_of(crossing: Crossing) -> tuple[str, str, str]:
    """Size, low and high of a crossing in as many digits as tell them apart, four at most."""
    width = (crossing.high - crossing.low) / 2 / crossing.size
    digits = min(4, max(2, 1 - math.floor(math.log10(width)))) if width > 0 else 4
    return (
        numbers.count(crossing.size, digits),
        numbers.count(crossing.low, digits),
        numbers.count(crossing.high, digits),
    )


def _coordinates(race: Race, plan: Plan) -> tuple[str, str]:
    """What the title of a race says but for its size: what all races of the plan share, and what they do not."""
    mine, all_races = _spoken(race), [_spoken(each) for each in plan.races]
    del mine[plan.swept]
    shared = {name for name, text in mine.items() if all(each[name] == text for each in all_races)}
    own = [text for name, text in mine.items() if name not in shared]
    return ", ".join(text for name, text in mine.items() if name in shared), ", ".join(own)


def _spoken(race: Race) -> dict[str, str]:
    """What tells races apart, in words; the length of the job does not, for a sweep times single updates."""
    setting = race.reference.setting
    words = {each.name: each.words(setting) for each in COORDINATES if not each.raced and each.name != "updates"}
    return {"workload": race.workload} | {name: text for name, text in words.items() if text}


def _courses(series: str, races: Sequence[_Size]) -> list[Course]:
    """By class; in each the fastest at the largest size first."""
    courses = []
    for name in dict.fromkeys(name for race in races for name in race.rows):
        rows = [(race.size, race.rows[name]) for race in races if name in race.rows]
        points = tuple(Point(size, row.seconds, row.peak_resident_bytes) for size, row in rows if row.seconds)
        courses.append(Course(rows[0][1].arm, series, rows[0][1].work, points, fit_of(points)))
    return sorted(
        courses,
        key=lambda course: (CLASSES.index(course.work), -course.points[-1].size, course.points[-1].seconds.value),
    )


def fit_of(points: Sequence[Point]) -> Fit | None:
    """The straight line through the points of an arm; None for too few of them."""
    if len(points) < SIZES_TO_FIT:
        return None
    seconds = np.array([point.seconds.value for point in points])
    terms = np.array([[1.0, point.size] for point in points]) / seconds[:, None]
    scale = np.linalg.norm(terms, axis=0)  # a fixed part and one a row may be a million times apart
    found, _ = nnls(terms / scale, np.ones(len(points)))
    fixed, each = (found / scale).tolist()
    return Fit(fixed=fixed, each=each, off=float(np.abs(terms @ [fixed, each] - 1).max()))


def _crossings(courses: Sequence[Course], races: Sequence[_Size]) -> Iterator[Crossing]:
    for one, other in combinations(courses, 2):
        if one.work != other.work or one.work == "floor":
            continue
        peers = [course for course in courses if course.work == one.work]
        for stretch in changes(list(_meetings(one.arm.name, other.arm.name, races))):
            slower, faster = (one, other) if stretch[-1].ratio.value > 1 else (other, one)
            size, low, high = crossed(stretch)
            lowest = min(seconds for course in peers if (seconds := course.seconds_at(size)) is not None)
            yield Crossing(
                slower=slower,
                faster=faster,
                size=size,
                low=low,
                high=high,
                below=stretch[0].size,
                above=stretch[-1].size,
                leading=lowest in (slower.seconds_at(size), faster.seconds_at(size)),
            )


def _meetings(one: str, other: str, races: Sequence[_Size]) -> Iterator[Meeting]:
    for race in races:
        if one in race.rows and other in race.rows:
            base = race.rows[other].seconds
            ratio = race.records.ratio(race.rows[one].arm, race.rows[other].arm)
            if base and ratio and ratio.low is not None and ratio.high is not None:
                yield Meeting(race.size, ratio, base.value)
