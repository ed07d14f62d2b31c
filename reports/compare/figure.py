"""The figure of a run against an earlier one: a dot for each arm's change, and how much identical code differs."""

import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator

from bench.results.statistics import SAME, Estimate
from reports.compare.changes import Change, Changes
from reports.compare.text import findings, in_digits
from reports.figures.kit import labels
from reports.figures.kit.canvas import WIDTH, Canvas, blank_canvas
from reports.figures.kit.colours import Palette
from reports.figures.kit.figure import Figure
from reports.figures.kit.style import FAINT, GRID, INK
from reports.text.sanitize import plain

TITLE = "Change of each arm's time over the reference's since the earlier run: left is faster"
COLUMNS = ("arm", "status_then", "status_now", "verdict", "change", "low", "high", "seconds_then", "seconds_now")
BAND = "#999999"
ROW, BELOW, TEXT = 0.24, 0.35, 3.2  # inches of an arm, of the scale, and of the text beside an arm
TICKS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)  # shares longer or less
TIMES = (2, 5, 10, 20, 50, 100, 200, 500, 1000)  # beyond them, how many times as long or as short
LINEAR = 0.05  # changes up to about this one are drawn to scale, larger ones on a logarithmic scale
APART = 0.62  # inches between two ticks, at least


def draw(changes: Changes, palette: Palette) -> Figure:
    """The figure of a comparison. Its CSV holds changes as ratios, now over then."""
    text = plain(" ".join(list(findings(changes))[:3]))
    return Figure("against", TITLE, text, lambda: _canvas(changes, palette).figure, COLUMNS, list(_rows(changes)))


def _rows(changes: Changes) -> Iterator[tuple[Any, ...]]:
    for change in changes.changes:
        ends = [getattr(change.ratio, edge, None) for edge in ("value", "low", "high")]
        seconds = [row.seconds.value if row.seconds else None for row in (change.then, change.now)]
        yield (change.key, change.then.status, change.now.status, change.verdict, *ends, *seconds)


def _canvas(changes: Changes, palette: Palette) -> Canvas:
    drawn = [change for change in changes.changes if change.ratio]
    ordered = sorted(drawn, key=_order(drawn))
    races = {title: list(arms) for title, arms in groupby(ordered, key=lambda change: change.title)}
    headed = len(races) > 1
    lines = len(drawn) + len(races) * headed
    references = ", ".join(dict.fromkeys(control.reference.name for control in changes.controls))
    about = f"{changes.now} against {changes.then}; reference in both: {references or 'none'}"
    canvas = blank_canvas(
        TITLE if drawn else "No change can be given", about, list(_notes(changes)), ROW * (lines + 1) + BELOW
    )
    left = labels.LETTER * max((len(labels.short(change.name)) for change in drawn), default=0) + 0.3
    wide = WIDTH - left - TEXT
    axes = canvas.axes(left, BELOW, wide, ROW * (lines + 1))
    if not drawn:
        axes.set_axis_off()
        return canvas
    _scale(axes, [change.ratio for change in drawn if change.ratio], APART / wide)
    axes.set_ylim(lines, -1)
    at = 0
    ticks: list[tuple[float, Change]] = []
    for title, arms in races.items():
        if headed:
            heading: dict[str, Any] = {"va": "center", "fontsize": 8.5, "color": FAINT, "style": "italic"}
            axes.text(0.005, at, plain(title), transform=axes.get_yaxis_transform(), **heading)
            at += 1
        _band(axes, changes, title, at, len(arms))
        for change in arms:
            _dot(axes, at, change, palette)
            ticks.append((at, change))
            at += 1
    axes.set_yticks([place for place, _ in ticks], [labels.short(change.name) for _, change in ticks], fontsize=9)
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    return canvas


def _order(drawn: Sequence[Change]) -> Any:
    """Sorts race by race in their order; within a race by the change, the arm that became slowest first."""
    titles = list(dict.fromkeys(change.title for change in drawn))
    return lambda change: (titles.index(change.title), -(change.ratio.value if change.ratio else 1.0), change.key)


def _notes(changes: Changes) -> Iterator[str]:
    if any(control.twin and control.twin.low is not None for control in changes.controls):
        yield "Grey band: the reference's twin, which is identical code (95 %). Lines: 95 % intervals over fresh processes."
    for change in changes.changes:
        if change.status:
            yield f"{change.name} {change.status}."
    if changes.machine:
        yield "No time is compared: these are not known to be the same machine."


def _scale(axes: Axes, ratios: Sequence[Estimate], apart: float) -> None:
    """Sets limits and ticks.

    apart  distance between two ticks at least, as a share of the width of the plot
    """
    ends = [math.log(end) for ratio in ratios for end in (ratio.low, ratio.value, ratio.high) if end is not None]
    widest = math.log(2 * TIMES[-1])  # an interval of two rounds may reach anywhere
    low, high = max(min([*ends, -SAME]), -widest), min(max([*ends, SAME]), widest)
    left, right = _place(low), _place(high)
    margin = 0.04 * (right - left)
    ticks = list(_ticks(left, right, apart))
    axes.set_xlim(left - margin, right + margin)
    axes.xaxis.set_major_locator(FixedLocator([place for place, _ in ticks]))
    axes.xaxis.set_major_formatter(FixedFormatter([text for _, text in ticks]))
    axes.tick_params(axis="x", colors=FAINT, labelsize=9)
    axes.grid(axis="x", color=GRID, lw=0.6)
    axes.axvline(0, color=INK, lw=1)
    axes.spines["left"].set_visible(False)


def _place(logarithm: float) -> float:
    """Where a change is drawn: about linear for small changes, logarithmic for large ones."""
    return math.asinh(logarithm / LINEAR)


def _ticks(left: float, right: float, apart: float) -> Iterator[tuple[float, str]]:
    """The tick at 0, and outward on either side as many round changes as have room: place and text."""
    yield 0.0, "0"
    for sign in (1, -1):
        near = [(math.log1p(sign * share), f"{100 * sign * share:+g} %") for share in TICKS]
        far = [(sign * math.log(times), f"x {times if sign > 0 else 1 / times:g}") for times in TIMES]
        last = 0.0
        for place, text in ((_place(at), text) for at, text in [*near, *far]):
            if left <= place <= right and abs(place - last) >= apart * (right - left):
                yield place, text
                last = place


def _band(axes: Axes, changes: Changes, title: str, at: int, count: int) -> None:
    twin = next((control.twin for control in changes.controls if control.title == title), None)
    if twin and twin.low is not None and twin.high is not None:
        low, high = (_place(math.log(end)) for end in (twin.low, twin.high))
        axes.fill_betweenx([at - 0.5, at + count - 0.5], min(low, 0), max(high, 0), color=BAND, alpha=0.35, lw=0)


def _dot(axes: Axes, at: int, change: Change, palette: Palette) -> None:
    ratio = change.ratio
    if ratio is None:
        return
    colour = palette.colour(change.now.arm)
    middle = _place(math.log(ratio.value))
    if ratio.low is not None and ratio.high is not None:
        ends = [_place(math.log(end)) for end in (ratio.low, ratio.high)]
        axes.plot(ends, [at, at], color=colour, lw=1.6, solid_capstyle="butt")
    sure = change.verdict in ("slower", "faster")
    dot: dict[str, Any] = {"marker": "o", "ms": 7, "color": colour}
    axes.add_line(Line2D([middle], [at], **(dot if sure else dot | {"mfc": "none", "mew": 1.4})))
    text = f"{in_digits(ratio)}  {change.verdict}{'; its code changed' if change.code_changed else ''}"
    beside = axes.get_yaxis_transform()
    weight = "bold" if sure else "normal"
    axes.text(1.01, at, text, transform=beside, va="center", fontsize=8.5, color=INK if sure else FAINT, weight=weight)
