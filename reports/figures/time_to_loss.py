"""The figure of loss against seconds: full batch, mini-batches and single samples on their way to the same loss."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MatplotlibFigure

from bench.results.record import Race
from impls.contract.coordinates import spoken
from impls.contract.words import grouped
from reports.figures.kit import labels, style
from reports.figures.kit.canvas import WIDTH, blank_canvas
from reports.figures.kit.colours import Palette
from reports.figures.kit.figure import Figure
from reports.figures.kit.labels import LINE
from reports.figures.kit.style import FAINT, GRID, INK, PAPER
from reports.run.time_to_loss import Reached, Target, Way, updates_to
from reports.text import numbers
from reports.text.sanitize import plain

TITLE = "Loss against seconds of training: further left is sooner at the same loss"
COLUMNS = (
    "workload",
    "batch",
    "implementation",
    "setting",
    "target_loss",
    "updates_to_target",
    "seconds_to_target",
    "low",
    "high",
)
MARKERS = "osDv^P"
ALL = 4  # races, up to which all arms with a colour are shown; of more races only the reference and the fastest
LEFT, ABOVE, BETWEEN, BELOW, GAP = 1.0, 3.6, 0.12, 0.55, 0.12  # inches


@dataclass(frozen=True)
class Entry:
    """A line of the lower plot: an arm, or the heading of a race where `arm` is None."""

    way: Way
    arm: Reached | None
    marker: str


def draw(target: Target, palette: Palette, race: Race | None = None) -> Figure:
    """The figure of one group of comparable races.

    race  the first of them, where there are other groups
    """
    table = [
        (
            way.result.race.workload,
            str(arm.row.arm.setting.batch),
            arm.row.arm.implementation,
            spoken(arm.row.arm.setting),
            target.loss,
            arm.updates,
            arm.seconds.value,
            arm.seconds.low,
            arm.seconds.high,
        )
        for way in target.ways
        for arm in way.arms
    ]
    sentences = _sentences(target)
    text = plain(" ".join(sentences))
    return Figure("descent", TITLE, text, lambda: _figure(target, palette, sentences), COLUMNS, table, race=race)


def batch_of(race: Race) -> str:
    """ "full batch", "batches of 256", "single samples"."""
    setting = race.reference.setting
    return {"full": "full batch", "mini": f"batches of {setting.batch}", "single": "single samples"}[setting.batch_kind]


def _sentences(target: Target) -> list[str]:
    ways = [way for way in target.ways if way.arms]
    whose = "all of these races reach" if len(target.ways) > 1 else "this race reaches"
    sentences = [f"The target is a loss of {target.loss:.6g}, the lowest that {whose} within the job."]
    for way in ways:
        best = way.arms[0]
        arms = f"{numbers.own_unit(best.seconds)} by {best.row.arm.name}"
        reference = next((arm for arm in way.arms[1:] if arm.row.arm.role == "reference"), None)
        if reference:
            arms += f", {numbers.own_unit(reference.seconds)} by {reference.row.arm.name}"
        batch = batch_of(way.result.race)
        sentences.append(f"{batch[0].upper()}{batch[1:]}: {grouped(way.updates)} updates, {arms}.")
    if len(ways) > 1:
        first, *others = sorted((way.arms[0] for way in ways), key=lambda arm: arm.seconds.value)
        edges = [first.seconds.high, *(arm.seconds.low for arm in others)]
        certain = None not in edges and all((edges[0] or 0.0) < (edge or 0.0) for edge in edges[1:])
        winner = next(way for way in ways if way.arms[0] is first)
        sentences.append(
            f"Soonest: {batch_of(winner.result.race)}, by {first.row.arm.name}."
            if certain
            else "Which is soonest cannot be decided: their intervals overlap."
        )
    return sentences


def _shown(target: Target, palette: Palette) -> list[Entry]:
    """Of each race the reference, the fastest arm, and the fastest arm of each implementation with a colour."""
    entries = []
    for number, way in enumerate(target.ways):
        marker = MARKERS[number % len(MARKERS)]
        best: dict[str, Reached] = {}
        for arm in way.arms:
            if len(target.ways) <= ALL and palette.has_colour(arm.row.arm):
                best.setdefault(arm.row.arm.implementation, arm)
        chosen = [*way.arms[:1], *best.values(), *(arm for arm in way.arms if arm.row.arm.role == "reference")]
        entries.append(Entry(way, None, marker))
        entries += [Entry(way, arm, marker) for arm in way.arms if arm in chosen]
    return entries


def _figure(target: Target, palette: Palette, sentences: Sequence[str]) -> MatplotlibFigure:
    entries = _shown(target, palette)
    names = [labels.short(entry.arm.row.arm.name) for entry in entries if entry.arm]
    wide = WIDTH - LEFT - labels.room([f"{name}  1 234 ± 1 ms" for name in names])
    under = LINE * (len(entries) + 1)
    first = target.ways[0].result.race
    setting = first.reference.setting
    about = f"{first.workload}, {grouped(setting.rows)} x {grouped(setting.features)} {setting.dtype}, " + ", ".join(
        batch_of(way.result.race) for way in target.ways
    )
    notes = [
        *sentences,
        "Below: when each arm reaches the target, with its 95 % interval.",
        "All right arms of a race follow the oracle's loss curve, each at its own seconds an update; start-up is left out.",
    ]
    canvas = blank_canvas(TITLE, about, notes, ABOVE + BETWEEN + under + BELOW)
    top = canvas.axes(LEFT, BELOW + under + BETWEEN, wide, ABOVE)
    low = canvas.axes(LEFT, BELOW, wide, under, sharex=top)
    _scales(top, low, target, entries)
    top.axhline(target.loss - target.minimum, color=INK, lw=1, ls=(0, (4, 3)), zorder=1.8)
    top.annotate(
        f"the target: {target.loss:.6g}",
        (0, target.loss - target.minimum),
        xycoords=("axes fraction", "data"),
        xytext=(6, 4),
        textcoords="offset points",
        fontsize=9,
        color=INK,
    )
    for place, entry in enumerate(entries):
        if entry.arm:
            _curve(top, entry.way, entry.arm, target, palette, entry.marker)
            _time(low, place, entry.arm, target, palette, entry.marker)
        else:
            _heading(low, place, entry)
    return canvas.figure


def _scales(top: Axes, low: Axes, target: Target, entries: Sequence[Entry]) -> None:
    shown = [entry.arm for entry in entries if entry.arm]
    left = [way.loss_curve.losses for way in target.ways]
    most, least = max(map(max, left)) - target.minimum, target.loss - target.minimum
    begin, end = min(map(_falling, entries)), max(arm.seconds.high or arm.seconds.value for arm in shown) * 1.6
    floor = max(least, most * 1e-12) / 1.6
    top.set(xscale="log", yscale="log", xlim=(begin, end), ylim=(floor, most * 1.4))
    style.scale(top.xaxis, begin, end, style.duration)
    style.scale(top.yaxis, floor, most * 1.4, lambda loss: numbers.count(loss, 1))
    top.set_ylabel(f"loss above the least possible, {target.minimum:.6g}", color=FAINT)
    top.grid(color=GRID, lw=0.6)
    top.tick_params(axis="x", which="both", labelbottom=False, bottom=False)
    low.grid(axis="x", color=GRID, lw=0.6)
    low.set_ylim(len(entries) - 0.4, -0.6)
    low.set_yticks([])
    low.spines["left"].set_visible(False)
    low.set_xlabel(
        "seconds of training, without start-up",
        color=FAINT,
    )
    low.tick_params(which="both", colors=FAINT)


def _falling(entry: Entry) -> float:
    """Seconds after which an arm's loss has made a hundredth of its fall; the plot begins at the first of them."""
    curve = entry.way.loss_curve
    updates = updates_to(curve, curve.losses[0] - 0.01 * (curve.losses[0] - min(curve.losses)))
    return max(1, updates or 0) * entry.arm.row.seconds.value if entry.arm and entry.arm.row.seconds else math.inf


def _curve(axes: Axes, way: Way, arm: Reached, target: Target, palette: Palette, marker: str) -> None:
    """The loss of one arm, to the target and beyond."""
    points = [
        (u, loss - target.minimum) for u, loss in zip(way.loss_curve.updates, way.loss_curve.losses, strict=True) if u
    ]
    updates, left = np.array(points).T
    seconds = arm.row.seconds.value if arm.row.seconds else np.nan
    line = _line_style(arm, palette)
    width = 2.4 if arm.row.arm.role == "reference" else 1.5
    axes.plot(updates * seconds, np.maximum(left, 1e-300), lw=width, **line)
    axes.plot(
        [arm.seconds.value],
        [target.loss - target.minimum],
        marker=marker,
        ms=7,
        mec=PAPER,
        mew=0.7,
        zorder=4,
        color=line["color"],
    )


def _time(axes: Axes, place: int, arm: Reached, target: Target, palette: Palette, marker: str) -> None:
    """When one arm reaches the target, with its interval and its name."""
    at, colour = arm.seconds, palette.colour(arm.row.arm)
    axes.plot([at.value, at.value], [-0.6, place], color=colour, lw=0.8, ls=":", zorder=1.5)
    if at.low is not None and at.high is not None:
        axes.plot([at.low, at.high], [place, place], color=INK, lw=1.2, zorder=3)
    axes.plot([at.value], [place], marker=marker, ms=7, mec=PAPER, mew=0.7, color=colour, zorder=4)
    _write(
        axes,
        place,
        at.high or at.value,
        f"{numbers.own_unit(at)}  {labels.short(arm.row.arm.name)}",
        bold=arm.row.arm.role == "reference",
    )


def _heading(axes: Axes, place: int, entry: Entry) -> None:
    heading = f"{batch_of(entry.way.result.race)}: {grouped(entry.way.updates)} updates"
    _write(axes, place, axes.get_xlim()[0], heading, italic=True)


def _write(axes: Axes, place: int, at: float, text: str, *, bold: bool = False, italic: bool = False) -> None:
    axes.annotate(
        text,
        (at, place),
        xytext=(9, 0),
        textcoords="offset points",
        va="center",
        fontsize=8.5,
        color=FAINT if italic else INK,
        weight="bold" if bold else "normal",
        style="italic" if italic else "normal",
        annotation_clip=False,
        bbox={"facecolor": PAPER, "edgecolor": "none", "alpha": 0.85, "pad": 0.8},
    )


def _line_style(arm: Reached, palette: Palette) -> dict[str, Any]:
    dashes = palette.dashes(arm.row.arm)
    return {"color": palette.colour(arm.row.arm), "ls": (0, dashes) if dashes else "-"}
