"""How the time of an update grows from race to race of a sweep, and where one arm overtakes another."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.optimize import nnls

from bench.results.record import Arm, Plan, Race
from bench.results.statistics import Estimate
from impls.contract.coordinates import BY_NAME, COORDINATES
from impls.contract.words import grouped
from reports.growth.crossings import SizeRatio, crossing_size, stretches
from reports.growth.exponent import exponent_of
from reports.growth.pays import Pays, pays_of
from reports.growth.scaling import AtSize, Scaling, scaling_of
from reports.run.findings import Finding
from reports.run.race_records import RaceRecords
from reports.run.rows import CLASSES, Class, Row
from reports.text import numbers

Size = float  # of a swept coordinate or parameter; whole where those are
MOST = 12  # crossings that are listed; the number of the others is given
SIZES_TO_FIT = 3  # a line through two sizes would always fit


@dataclass(frozen=True)
class Unit:
    """What a sweep counts, one and many: "row" and "rows". Of a step's parameter that is the parameter itself."""

    one: str
    many: str
    is_parameter: bool = False

    def amount(self, number: str) -> str:
        """So many of it: "2 300 rows", "hidden 256"."""
        return f"{self.many} {number}" if self.is_parameter else f"{number} {self.many}"

    def range_of(self, sizes: str) -> str:
        """Several sizes of it: "8 sizes from 100 to 1 000 rows", "hidden at 3 sizes from 64 to 1 024"."""
        return f"{self.many} at {sizes}" if self.is_parameter else f"{sizes} {self.many}"


@dataclass(frozen=True)
class Point:
    """Seconds of an update at one size, and the most memory that its process held, if known."""

    size: Size
    seconds: Estimate
    peak_resident_bytes: int | None = None


@dataclass(frozen=True)
class Fit:
    """seconds = fixed + each * size, with the least relative errors; neither term is negative.

    off  the largest relative distance of a point from the line
    """

    fixed: float
    each: float
    off: float


@dataclass(frozen=True)
class Course:
    """One arm at all sizes at which it ran and was right, the smallest first.

    arm       in the race of the smallest size
    series    what distinguishes its races from others of the same sizes in this run; empty where there are none
    exponent  with which its time grows from the last size but one to the last; None where that is not known
    pays      where it is faster than the reference; None for the reference, and for those that do other work
    scaling   of an arm of several processes: what they cost each other; None where too few sizes tell
    """

    arm: Arm
    series: str
    work: Class
    points: tuple[Point, ...]
    fit: Fit | None
    exponent: Estimate | None
    pays: Pays | None
    scaling: Scaling | None = None

    @property
    def name(self) -> str:
        """The arm's name, with its series."""
        return f"{self.arm.name}{', ' if self.series else ''}{self.series}"

    def seconds_at(self, size: float) -> float | None:
        """Seconds at a size, interpolated in logarithms; None outside of the sizes that were measured."""
        sizes = [point.size for point in self.points]
        if not sizes[0] <= size <= sizes[-1]:
            return None
        logarithms = np.log([point.seconds.value for point in self.points])
        return math.exp(float(np.interp(math.log(size), np.log(sizes), logarithms)))


@dataclass(frozen=True)
class Crossing:
    """The size above which an arm is slower than another, and below which it is faster.

    low, high     between which the crossing lies, from the 95 % intervals of their paired ratios
    below, above  the measured sizes on either side at which it is certain which arm is faster
    leading       whether the fastest arm of the class changes there
    """

    slower: Course
    faster: Course
    size: float
    low: float
    high: float
    below: Size
    above: Size
    leading: bool

    @property
    def telling(self) -> bool:
        """Whether it concerns the fastest arm or the reference."""
        return self.leading or "reference" in (self.slower.arm.role, self.faster.arm.role)


@dataclass(frozen=True)
class _Size:
    """The race of one size: its rows by the names of their arms, those that have a time and are not watched.

    numbers  that are trained, of a step; 0 where that is not known
    """

    size: Size
    numbers: int
    rows: Mapping[str, Row]
    records: RaceRecords


@dataclass(frozen=True)
class Sweep:
    """A sweep: the coordinate or parameter that grows, the course of each arm by class and speed, the crossings by size."""

    title: str
    swept: str
    unit: Unit
    sizes: tuple[Size, ...]
    courses: tuple[Course, ...]
    crossings: tuple[Crossing, ...]

    @property
    def scalings(self) -> list[Scaling]:
        """What the processes of its arms of several cost each other."""
        return [course.scaling for course in self.courses if course.scaling]


def sweep_of(plan: Plan, races: Sequence[tuple[Sequence[Row], RaceRecords, int]]) -> Sweep | None:
    """How the arms of a run grow from race to race; None for a plan that sweeps nothing.

    races  of each race of the plan: rows, records, and how many numbers its step trains, 0 where that is not known
    """
    if not plan.swept:
        return None
    unit = unit_of_sweep(plan)
    sizes = sorted({size_of(race, plan.swept) for race in plan.races})
    series: dict[str, list[_Size]] = {}
    for race, (rows, records, trained) in zip(plan.races, races, strict=True):
        measured = {row.arm.name: row for row in rows if row.group != "unranked" and row.arm.setting.watch == "none"}
        series.setdefault(series_of(race, plan), []).append(
            _Size(size_of(race, plan.swept), trained, measured, records)
        )
    courses: list[Course] = []
    crossings: list[Crossing] = []
    for name, at_sizes in series.items():
        at_sizes.sort(key=lambda one: one.size)
        of_series = _courses(name, at_sizes)
        courses += of_series
        crossings += _crossings(of_series, at_sizes)
    return Sweep(
        title=f"{_coordinates(plan.races[0], plan)[0]}, {unit.range_of(span(sizes))}",
        swept=plan.swept,
        unit=unit,
        sizes=tuple(sizes),
        courses=tuple(courses),
        crossings=tuple(sorted(crossings, key=lambda crossing: crossing.size)),
    )


def telling_crossings(sweep: Sweep) -> tuple[list[Crossing], int]:
    """The MOST most telling crossings, by size; and the number of the others."""
    telling = sorted(sweep.crossings, key=lambda crossing: (not crossing.leading, not crossing.telling))[:MOST]
    return sorted(telling, key=lambda crossing: crossing.size), len(sweep.crossings) - len(telling)


def no_crossing(sweep: Sweep) -> str:
    """The sentence for a sweep without crossings; empty where there are crossings."""
    if sweep.crossings:
        return ""
    return "No arm is known to overtake another." if sweep.courses else "Nothing was measured."


def series_of(race: Race, plan: Plan) -> str:
    """What distinguishes a race of a sweep from others of the same size: "2 threads"; empty where there are none."""
    return _coordinates(race, plan)[1]


def unit_of_sweep(plan: Plan) -> Unit:
    """What a plan that sweeps something counts."""
    if plan.races[0].reference.setting.is_step:
        return Unit(f"unit of {plan.swept}", plan.swept, is_parameter=True)
    return Unit(*(BY_NAME[plan.swept].swept or ("", plan.swept)))


def size_of(race: Race, swept: str) -> Size:
    """The value that the swept coordinate, or parameter of a step, has in a race."""
    setting = race.reference.setting
    size = float(setting.named[swept] if setting.is_step else BY_NAME[swept].of(setting))
    return int(size) if size.is_integer() else size


def span(sizes: Sequence[Size]) -> str:
    """ "8 sizes from 100 to 1 000 000"; a single one as it is."""
    if len(sizes) == 1:
        return grouped(sizes[0])
    return f"{len(sizes)} sizes from {grouped(sizes[0])} to {grouped(sizes[-1])}"


def finding(crossing: Crossing, unit: Unit) -> Finding:
    """ "linear/c cpu eager becomes slower than linear/numpy cpu eager at 2 300 rows (95 %: 2 100 to 2 600; ...)."."""
    size, low, high = sizes_in_digits(crossing.size, crossing.low, crossing.high)
    series = f"{crossing.slower.series}: " if crossing.slower.series else ""
    return Finding(
        "crossing",
        f"{series}{crossing.slower.arm.name} becomes slower than {crossing.faster.arm.name} at {unit.amount(size)}",
        f"95 %: {low} to {high}; measured at {grouped(crossing.below)} and {grouped(crossing.above)}",
    )


def sizes_in_digits(size: float, low: float, high: float) -> tuple[str, str, str]:
    """A size and its interval in as many digits as distinguish them, four at most."""
    width = (high - low) / 2 / size
    digits = min(4, max(2, 1 - math.floor(math.log10(width)))) if width > 0 else 4
    return numbers.count(size, digits), numbers.count(low, digits), numbers.count(high, digits)


def _coordinates(race: Race, plan: Plan) -> tuple[str, str]:
    """The coordinates of a race without its size, as text: those that all races of the plan share, and the others."""
    texts, all_races = _spoken(race), [_spoken(other) for other in plan.races]
    del texts[plan.swept]
    shared = {name for name, text in texts.items() if all(other[name] == text for other in all_races)}
    own = [text for name, text in texts.items() if name not in shared]
    return ", ".join(text for name, text in texts.items() if name in shared), ", ".join(own)


def _spoken(race: Race) -> dict[str, str]:
    """What tells races apart, in words; the length of the job does not, for a sweep times single updates."""
    setting = race.reference.setting
    own = ("dtype", "threads") if setting.is_step else [each.name for each in COORDINATES if not each.raced]
    words = {name: BY_NAME[name].words(setting) for name in own if name != "updates"}
    words |= {name: f"{name} {value}" for name, value in setting.parameters}
    return {"workload": race.workload} | {name: text for name, text in words.items() if text}


def _courses(series: str, races: Sequence[_Size]) -> list[Course]:
    """By class; in each the fastest at the largest size first."""
    courses = []
    all_rows = [row for race in races for row in race.rows.values()]
    reference = next((row.arm.name for row in all_rows if row.arm.role == "reference"), "")
    for name in dict.fromkeys(row.arm.name for row in all_rows):
        rows = [(race.size, race.rows[name]) for race in races if name in race.rows]
        points = tuple(Point(size, row.seconds, row.peak_resident_bytes) for size, row in rows if row.seconds)
        arm, work = rows[0][1].arm, rows[0][1].work_class
        compared = name != reference and work in ("faithful", "coarser")
        courses.append(
            Course(
                arm=arm,
                series=series,
                work=work,
                points=points,
                fit=fit_of(points),
                exponent=_exponent(points),
                pays=pays_of(list(_ratios(name, reference, races))) if compared else None,
                scaling=_scaling(name, races),
            )
        )
    return sorted(
        courses,
        key=lambda course: (CLASSES.index(course.work), -course.points[-1].size, course.points[-1].seconds.value),
    )


def _scaling(name: str, races: Sequence[_Size]) -> Scaling | None:
    """What the processes of an arm cost each other, from size to size."""
    known = [(race, row) for race in races if (row := race.rows.get(name))]
    points = [
        AtSize(r.size, row.seconds.value, row.share.seconds, r.numbers) for r, row in known if row.seconds and row.share
    ]
    processes = max((row.arm.setting.threads for _, row in known), default=0)
    return scaling_of(name, processes, points)


def _exponent(points: Sequence[Point]) -> Estimate | None:
    if len(points) < 2:
        return None
    before, after = points[-2:]
    return exponent_of((before.size, after.size), (before.seconds, after.seconds))


def fit_of(points: Sequence[Point]) -> Fit | None:
    """The straight line through the points of an arm; None for fewer than SIZES_TO_FIT."""
    if len(points) < SIZES_TO_FIT:
        return None
    seconds = np.array([point.seconds.value for point in points])
    terms = np.array([[1.0, point.size] for point in points]) / seconds[:, None]
    scale = np.linalg.norm(terms, axis=0)  # a fixed part and one a row may be a million times apart
    solution, _ = nnls(terms / scale, np.ones(len(points)))
    fixed, each = (solution / scale).tolist()
    return Fit(fixed=fixed, each=each, off=float(np.abs(terms @ [fixed, each] - 1).max()))


def _crossings(courses: Sequence[Course], races: Sequence[_Size]) -> Iterator[Crossing]:
    for one, other in combinations(courses, 2):
        if one.work != other.work or one.work == "floor":
            continue
        peers = [course for course in courses if course.work == one.work]
        for stretch in stretches(list(_ratios(one.arm.name, other.arm.name, races))):
            slower, faster = (one, other) if stretch[-1].ratio.value > 1 else (other, one)
            size, low, high = crossing_size(stretch)
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


def _ratios(one: str, other: str, races: Sequence[_Size]) -> Iterator[SizeRatio]:
    for race in races:
        if one in race.rows and other in race.rows:
            base = race.rows[other].seconds
            ratio = race.records.ratio(race.rows[one].arm, race.rows[other].arm)
            if base and ratio and ratio.low is not None and ratio.high is not None:
                yield SizeRatio(race.size, ratio, base.value)
