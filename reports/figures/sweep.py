"""The figure of a sweep: seconds an update against size, with a line for each arm, fits, and where lines cross."""

import math
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MatplotlibFigure
from numpy.typing import NDArray

from impls.contract.words import grouped
from reports.figures.kit import labels, style
from reports.figures.kit.canvas import WIDTH, blank_canvas
from reports.figures.kit.colours import Palette
from reports.figures.kit.figure import Figure
from reports.figures.kit.labels import Label
from reports.figures.kit.style import FAINT, GRID, INK, PAPER
from reports.run.sweep import Course, Crossing, Fit, Sweep, Unit, finding, telling_crossings
from reports.text import numbers
from reports.text.sanitize import plain

COLUMNS = (
    "implementation",
    "device",
    "mode",
    "series",
    "class",
    "size",
    "seconds",
    "low",
    "high",
    "fit",
    "peak_resident_bytes",
)
MARKERS = "os^DvPX<>hp"  # their number is prime to that of the colours, so that pairs of the two repeat late
LEFT, BELOW = 0.85, 0.5  # inches that the scales take


@dataclass(frozen=True)
class LineStyle:
    """How the line of an arm is drawn; `dashes` as matplotlib takes them."""

    colour: str
    marker: str
    dashes: Any
    width: float


def draw(sweep: Sweep, palette: Palette) -> Figure:
    """The figure of a sweep."""
    crossings = [finding(crossing, sweep.unit).text for crossing in telling_crossings(sweep)[0]]
    text = f"{sweep.title}: a line for each arm. {' '.join(crossings[:3])}"
    return Figure("growth", _title(sweep), text, lambda: _figure(sweep, palette), COLUMNS, _rows(sweep))


def _rows(sweep: Sweep) -> list[tuple[Any, ...]]:
    """A row for each arm and size: seconds an update with their interval, and what the fitted line gives there."""
    return [
        (
            arm.implementation,
            arm.setting.device,
            arm.setting.mode,
            course.series,
            course.work,
            size,
            *times,
            fitted,
            peak,
        )
        for course in sweep.courses
        for arm in [course.arm]
        for size, seconds, peak in ((p.size, p.seconds, p.peak_resident_bytes) for p in course.points)
        for times in [(seconds.value, seconds.low, seconds.high)]
        for fitted in [course.fit.fixed + course.fit.each * size if course.fit else None]
    ]


def _title(sweep: Sweep) -> str:
    against = sweep.unit.many if sweep.unit.is_parameter else f"the number of {sweep.unit.many}"
    return f"Time of one parameter update against {against}: lower is faster"


def _figure(sweep: Sweep, palette: Palette) -> MatplotlibFigure:
    marked = [crossing for crossing in telling_crossings(sweep)[0] if crossing.telling]
    fitted = [course for course in sweep.courses if course.fit and palette.has_colour(course.arm)]
    right = labels.room([labels.short(_label(course)) for course in sweep.courses])
    tall = max(4.8, labels.LINE * (len(sweep.courses) + 2)) if sweep.courses else 0.2
    wide = WIDTH - LEFT - right
    canvas = blank_canvas(_title(sweep), sweep.title, _notes(sweep, marked, fitted), tall + BELOW)
    axes = canvas.axes(LEFT, BELOW, wide, tall)
    if sweep.courses:
        _scales(axes, sweep)
        styles = _line_styles(sweep.courses, palette)
        _fits(axes, fitted, palette)
        for course in sweep.courses:
            _line(axes, course, styles[course])
        _name(axes, styles, wide, tall)
        _mark(axes, marked)
    else:
        axes.set_axis_off()
    return canvas.figure


def _notes(sweep: Sweep, marked: Sequence[Crossing], fitted: Sequence[Course]) -> list[str]:
    if not sweep.courses:
        return ["No arm has a time at any size; summary.md says why."]
    notes = [
        f"{letter}  {finding(crossing, sweep.unit).text}"
        for letter, crossing in zip(string.ascii_letters, marked, strict=False)
    ]
    if others := len(sweep.crossings) - len(marked):
        notes.append(f"Crossings that are not marked: {others}; summary.md lists them.")
    if fitted:
        lines = "; ".join(f"{course.name} {_spoken(course.fit, sweep.unit)}" for course in fitted if course.fit)
        notes.append(f"Thin lines: the straight line fitted to all times of an arm. {lines}.")
    return notes


def _spoken(fit: Fit, counted: Unit) -> str:
    """ "94 µs + 2.1 ns a row, within 12 %"."""
    parts = [(fit.fixed, ""), (fit.each, f" a {counted.one}")]
    terms = [f"{numbers.count(part / scale)} {unit}{of}" for part, of in parts if part for scale, unit in [_unit(part)]]
    return f"{' + '.join(terms)}, within {numbers.count(100 * fit.off)} %"


def _unit(seconds: float) -> tuple[float, str]:
    return numbers.unit_for([seconds])


def _fits(axes: Axes, courses: Sequence[Course], palette: Palette) -> None:
    """The fitted lines of arms with a colour; others could not be told from their neighbours."""
    for course in courses:
        if course.fit:
            sizes = np.geomspace(course.points[0].size, course.points[-1].size, 60)
            axes.plot(
                sizes, course.fit.fixed + course.fit.each * sizes, color=palette.colour(course.arm), lw=0.8, zorder=1.8
            )


def _scales(axes: Axes, sweep: Sweep) -> None:
    points = [point for course in sweep.courses for point in course.points]
    least, most = (
        min(p.seconds.low or p.seconds.value for p in points),
        max(p.seconds.high or p.seconds.value for p in points),
    )
    narrow, wide = sweep.sizes[0], sweep.sizes[-1]
    margin = 2.0 if narrow == wide else (wide / narrow) ** 0.03
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(narrow / margin, wide * margin)
    axes.set_ylim(least / 1.5, most * 1.5)
    style.scale(axes.xaxis, narrow / margin, wide * margin, lambda size: grouped(round(size)))
    style.scale(axes.yaxis, least / 1.5, most * 1.5, style.duration)
    axes.set_xlabel(sweep.unit.many, color=FAINT)
    axes.grid(color=GRID, lw=0.6)


def _line_styles(courses: Sequence[Course], palette: Palette) -> dict[Course, LineStyle]:
    """Markers go by name, so that an arm looks the same whatever its speed; floors have no colour."""
    styles: dict[Course, LineStyle] = {}
    for number, course in enumerate(sorted(courses, key=lambda course: course.name)):
        floor, reference = course.work == "floor", course.arm.role == "reference"
        dashes = (3.0, 2.0) if floor else palette.dashes(course.arm)
        width = 2.4 if reference else 1.7 if palette.has_colour(course.arm) else 1.2
        colour = FAINT if floor else palette.colour(course.arm)
        styles[course] = LineStyle(colour, MARKERS[number % len(MARKERS)], (0, dashes) if dashes else "-", width)
    return styles


def _line(axes: Axes, course: Course, line: LineStyle) -> None:
    seconds = [point.seconds for point in course.points]
    below = [estimate.value - (estimate.low or estimate.value) for estimate in seconds]
    above = [(estimate.high or estimate.value) - estimate.value for estimate in seconds]
    axes.errorbar(
        [point.size for point in course.points],
        [estimate.value for estimate in seconds],
        yerr=[below, above],
        ls=line.dashes,
        lw=line.width,
        elinewidth=1.0,
        capsize=2,
        **_dot(line),
    )


def _dot(line: LineStyle) -> dict[str, Any]:
    return {"marker": line.marker, "ms": 6, "mec": PAPER, "mew": 0.5, "color": line.colour}


def _label(course: Course) -> str:
    return plain(
        {"faithful": "", "coarser": "coarser: ", "algorithmic": "algorithmic: ", "floor": "floor: "}[course.work]
        + course.name
    )


def _name(axes: Axes, styles: Mapping[Course, LineStyle], wide: float, tall: float) -> None:
    names = [
        Label(
            labels.short(_label(course)),
            (course.points[-1].size, course.points[-1].seconds.value),
            {"ls": line.dashes, "lw": line.width, **_dot(line)},
            bold=course.arm.role == "reference",
        )
        for course, line in styles.items()
    ]
    labels.name_ends(axes, names, wide, tall)


def _mark(axes: Axes, crossings: Sequence[Crossing]) -> None:
    """Marks each crossing with a letter, a tick where it is, and a thick line over its interval."""
    taken: list[NDArray[np.float64]] = []
    for letter, crossing in zip(string.ascii_letters, crossings, strict=False):
        heights = [course.seconds_at(crossing.size) for course in (crossing.slower, crossing.faster)]
        at = math.exp(sum(math.log(height) for height in heights if height) / len(heights))
        axes.plot([crossing.low, crossing.high], [at, at], color=INK, lw=3, alpha=0.55, solid_capstyle="butt", zorder=5)
        axes.plot([crossing.size], [at], color=INK, marker="|", ms=22, mew=1.2, zorder=5)
        middle = axes.transData.transform((crossing.size, at)) / axes.figure.dpi * 72
        places = [middle + np.array([0, shift]) for shift in (17, -17, 30, -30, 43, -43, 56)]
        place = next((p for p in places if all(np.abs(p - other).max() > 13 for other in taken)), places[-1])
        taken.append(place)
        axes.annotate(
            letter,
            (crossing.size, at),
            xytext=tuple(place - middle),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=8.5,
            weight="bold",
            color=INK,
            zorder=6,
            bbox={"boxstyle": "circle,pad=0.22", "facecolor": PAPER, "edgecolor": INK, "lw": 0.8},
        )
