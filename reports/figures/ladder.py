"""The ladder of a race: a bar for each arm on a logarithmic scale, with its interval, the twin's band and the floors."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MatplotlibFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.transforms import ScaledTranslation

from impls.contract.coordinates import spoken
from reports.figures.kit import style
from reports.figures.kit.colours import Palette
from reports.figures.kit.figure import Figure
from reports.figures.kit.style import FAINT, GRID, INK, PAPER, REFERENCE
from reports.run.columns import verdict
from reports.run.report import RaceResult
from reports.run.rows import Row, excuses
from reports.text import numbers
from reports.text.sanitize import plain

HEADINGS = {
    "faithful": "every update reads the data",
    "algorithmic": "another algorithm, ranked separately: no update reads the data",
    "unranked": "not ranked",
}
HEADINGS_OF_STEP = {
    "faithful": "proved to compute the same",
    "coarser": "coarser: bits are lost",
    "algorithmic": "another algorithm, ranked separately",
    "unranked": "not ranked",
}
TEXT: dict[str, Any] = {
    "textcoords": "offset points",
    "va": "center",
    "fontsize": 9,
    "color": INK,
    "zorder": 4,
    "bbox": {"facecolor": PAPER, "edgecolor": "none", "alpha": 0.85, "pad": 0.8},  # a floor's line may cross them
}
TITLE = "Time of one parameter update: shorter is faster"
ROOM = 0.85  # of the scale, within which the text at an interval's end fits
HEADING = 1.05  # height of a heading, in bars


COLUMNS = (
    "implementation",
    "setting",
    "class",
    "status",
    "reason",
    "seconds",
    "low",
    "high",
    "ratio",
    "ratio_low",
    "ratio_high",
)


def draw(result: RaceResult, palette: Palette) -> Figure:
    """The ladder of one race, the fastest arm first."""
    table = [
        (row.arm.implementation, spoken(row.arm.setting), row.work, row.status, row.reason, *times)
        for row in result.listed
        for times in [[getattr(of, edge, None) for of in (row.seconds, row.ratio) for edge in ("value", "low", "high")]]
    ]
    ways = "running the step" if result.step else "writing the loop"
    text = f"A bar for each way of {ways}. {' '.join(finding.text for finding in result.findings[:2])}"
    return Figure("ladder", TITLE, text, lambda: _figure(result, palette), COLUMNS, table, race=result.race)


def _figure(result: RaceResult, palette: Palette) -> MatplotlibFigure:
    floors = sorted((row for row in result.listed if row.group == "floor"), key=_seconds)
    bars = [row for row in result.listed if row.seconds and row.group != "floor"]
    notes = [
        line
        for names, why in excuses(row for row in result.listed if not row.seconds)
        for line in textwrap.wrap(plain(f"{', '.join(names)}: {why}"), 120)[:5]
    ]
    groups = {name: list(rows) for name, rows in groupby(bars, key=lambda row: row.group)}
    headings = HEADING * len(groups) if len(groups) > 1 else 0.0
    inches = 0.42 if len(bars) <= 14 else 0.31  # from bar to bar
    height = 2.1 + inches * (max(1, len(bars)) + headings + len(floors)) + 0.2 * len(notes)
    figure = MatplotlibFigure(figsize=(9.5, height), layout="constrained")
    axes = figure.add_subplot()
    figure.suptitle(TITLE, x=0.01, ha="left", weight="bold", color=INK)
    axes.set_title(result.race.title, loc="left", fontsize=9, color=FAINT)
    if bars or floors:
        _scale(axes, [*bars, *floors])
        titles = (HEADINGS_OF_STEP if result.step else HEADINGS) if headings else {}
        bottom = _bars(axes, groups, palette, titles)
        floored = _floors(axes, floors, bottom)
        axes.set_ylim(bottom, -0.7 - len(floors))
        _legend(axes, result, bars, floored)
    else:
        axes.set_axis_off()
    if notes:
        figure.supxlabel("\n".join(notes), x=0.01, ha="left", fontsize=8, color=FAINT)
    return figure


def _seconds(row: Row) -> float:
    return row.seconds.value if row.seconds else math.nan


def _scale(axes: Axes, rows: Sequence[Row]) -> None:
    """Sets the scale for the arms that read the data: one that does not is a thousand times faster and would flatten them."""
    rows = [row for row in rows if row.work != "algorithmic"] or rows
    least, most = min(map(_seconds, rows)), max(map(_seconds, rows))
    left = 10 ** math.floor(math.log10(least / 1.5))
    right = most * (most / left) ** 0.28  # room for the text at the ends of the bars
    axes.set_xscale("log")
    axes.set_xlim(left, right)
    style.scale(axes.xaxis, left, right, style.duration)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=GRID, lw=0.6)
    axes.set_axisbelow(True)


def _bars(axes: Axes, groups: dict[str, list[Row]], palette: Palette, headings: Mapping[str, str]) -> float:
    """Draws the bars of each group below one another; returns the place at which the last one ends.

    headings  of the groups; none where there is only one
    """
    places: list[tuple[float, Row]] = []
    at = 0.0
    for name, rows in groups.items():
        if headings:
            axes.annotate(
                headings[name], (0, at), xycoords=("axes fraction", "data"), xytext=(4, 0), style="italic", **TEXT
            )
            at += HEADING - 0.15
        for row in rows:
            _bar(axes, at, row, palette.colour(row.arm))
            places.append((at, row))
            at += 1
        at += 0.15
    axes.set_yticks([place for place, _ in places], [_label(row) for _, row in places])
    for tick, (_, row) in zip(axes.get_yticklabels(), places, strict=True):
        tick.set_color(INK)
        tick.set_fontweight("bold" if row.arm.role == "reference" else "normal")
    return at - 0.4


def _bar(axes: Axes, place: float, row: Row, colour: str) -> None:
    left, right = axes.get_xlim()
    middle = high = _seconds(row)
    wrong = row.group == "unranked"
    if middle > left:
        axes.barh(
            place,
            middle - left,
            left=left,
            height=0.66,
            facecolor="none" if wrong else colour,
            edgecolor=colour,
            hatch="////" if wrong else "",
        )
    if row.seconds and row.seconds.low is not None and row.seconds.high is not None:
        high = row.seconds.high
        axes.errorbar(middle, place, xerr=[[middle - row.seconds.low], [high - middle]], color=INK, capsize=3, lw=1.2)
    text = _text(row) if middle > left else f"◂ {_text(row)}"
    end = high if high < left ** (1 - ROOM) * right**ROOM else middle  # beyond, there is no room for the text
    axes.annotate(text, (max(end, left), place), xytext=(6, 0), **TEXT)


def _floors(axes: Axes, rows: Sequence[Row], bottom: float) -> list[Line2D]:
    """A dashed line for each floor, down from its name; the leftmost name is the highest, so that no line crosses a name."""
    lines: list[Line2D] = []
    for number, row in enumerate(rows):
        at, top = _seconds(row), number - len(rows) - 0.2
        lines += axes.plot(
            [at, at],
            [top - 0.35, bottom],
            color=INK,
            ls=(0, (4, 3)),
            lw=1.2,
            zorder=3,
            path_effects=[withStroke(linewidth=3, foreground=PAPER, alpha=0.7)],
        )
        name = f"floor: {plain(_label(row))}  {numbers.seconds(at)}"
        left, right = axes.get_xlim()
        far = at > left**0.4 * right**0.6
        axes.annotate(name, (at, top), xytext=(-5 if far else 5, 0), ha="right" if far else "left", **TEXT)
    return lines


def _legend(axes: Axes, result: RaceResult, rows: Sequence[Row], floors: Sequence[Line2D]) -> None:
    """What the floors' lines, the reference's colour and the twin's band mean."""
    entries: list[Artist] = []
    if floors:
        meaning = "floors train nothing: they do only a part of an update"
        entries.append(Line2D([], [], color=INK, ls=floors[0].get_linestyle(), lw=1.2, label=meaning))
    if any(row.arm.role == "reference" for row in rows):
        entries.append(Patch(color=REFERENCE, label="the reference"))
    reference = next((row for row in rows if row.arm.role == "reference"), None)
    twin = result.twin
    if reference and twin and twin.low is not None and twin.high is not None:
        value = _seconds(reference)
        axes.axvspan(value * min(1, twin.low), value * max(1, twin.high), color="#999999", alpha=0.35, lw=0)
        meaning = "the reference against its twin, identical code (95 %)"
        entries.append(Patch(color="#999999", alpha=0.35, lw=0, label=meaning))
    if entries:
        below = axes.transAxes + ScaledTranslation(0, -0.3, axes.figure.dpi_scale_trans)
        axes.legend(
            handles=entries,
            loc="upper left",
            bbox_to_anchor=(0, 0),
            bbox_transform=below,
            borderaxespad=0,
            frameon=False,
            fontsize=8,
            labelcolor=FAINT,
        )


def _label(row: Row) -> str:
    return row.arm.name if row.is_step else f"{row.arm.implementation}  {spoken(row.arm.setting)}"


def _text(row: Row) -> str:
    """ "398 µs  2.1x faster": the text at the end of a bar."""
    if row.seconds is None:
        return ""
    return f"{numbers.seconds(row.seconds.value)}  {'WRONG ANSWER' if row.status == 'wrong' else verdict(row)}"
