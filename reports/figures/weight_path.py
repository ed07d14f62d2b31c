"""The figure of the weights' path over the contours of the loss, and of how far each arm's answers were from it."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure as MatplotlibFigure
from numpy.typing import NDArray

from bench.results.record import LossCurve
from impls.contract.coordinates import spoken
from impls.contract.setting import Setting
from impls.contract.words import grouped
from reports.figures.kit import labels, style
from reports.figures.kit.canvas import WIDTH, blank_canvas
from reports.figures.kit.colours import Palette
from reports.figures.kit.figure import Figure
from reports.figures.kit.style import FAINT, GRID, INK, MUTED, PAPER
from reports.run.report import RaceResult
from reports.run.verified_weights import Point, VerifiedArm, verified_arms
from reports.text import numbers
from reports.text.sanitize import plain

TITLE = "The path of the weights over the contours of the loss, and how far from it the arms were"
COLUMNS = ("implementation", "setting", "status", "when", "updates", "weight", "bias", "distance", "tolerance")
LEFT, BELOW, TALL, SIDE = 0.8, 0.55, 5.4, 2.4  # inches; the last is the width of the plot of distances
ROW = 0.125  # height in inches of a name beside the distances
NAMED = 60  # arms, up to which each is named there
RING, WIDER = 4.0, 2.6  # points: the smallest ring, and by how much each next implementation's is larger
FEW = 6  # wrong arms that are named beside the path
NEAR = 0.7  # a wrong arm is shown where it is up to so many times the size of the path away from it; else at the edge
CONTOURS = (1.0, 2.0, 5.0)
CLEAR = 0.06  # share of the plot that the loss of a contour is away from path and words, at least

Places = NDArray[np.float64]


def draw(result: RaceResult, palette: Palette) -> Figure | None:
    """The figure of one race; None where the weights are not those of a line, or no answer was verified."""
    curve, verified = result.loss_curve, verified_arms(result)
    if not curve or not curve.parameters or not verified:
        return None
    table = [
        (
            arm.arm.implementation,
            spoken(arm.arm.setting),
            "wrong" if arm.wrong else "ok",
            judgement.when,
            judgement.updates,
            point.weight,
            point.bias,
            judgement.distance,
            judgement.tolerance,
        )
        for arm in verified
        for point in arm.points
        for judgement in [point.judgement]
    ]
    sentences = _sentences(verified)
    text = plain(" ".join(sentences))
    return Figure(
        "path",
        TITLE,
        text,
        lambda: _figure(result, curve, verified, palette, sentences),
        COLUMNS,
        table,
        race=result.race,
    )


def _sentences(verified: Sequence[VerifiedArm]) -> list[str]:
    right = [arm for arm in verified if not arm.wrong]
    sentences = []
    if right:
        worst = max(right, key=lambda arm: arm.worst)
        sentences.append(
            f"{len(right)} of {len(verified)} arms were on the oracle's path whenever they were verified; the furthest from "
            f"it, {worst.arm.name}, by {numbers.count(100 * worst.worst)} % of what rounding explains."
        )
    if wrong := [f"{arm.arm.name} ({arm.excess})" for arm in verified if arm.wrong]:
        more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        sentences.append(f"WRONG, off the path: {', '.join(wrong[:5])}{more}.")
    return sentences


def _figure(
    result: RaceResult, curve: LossCurve, verified: Sequence[VerifiedArm], palette: Palette, sentences: Sequence[str]
) -> MatplotlibFigure:
    named = len(verified) <= NAMED
    tall = max(TALL, ROW * (len(verified) + 1)) if named else TALL
    names = [labels.short(arm.arm.name) for arm in verified] if named else []
    right = 0.15 + 0.8 * labels.LETTER * max(map(len, names), default=0)
    wide = WIDTH - LEFT - SIDE - right - 0.35
    notes = [
        *sentences,
        "Rings: the weights that were verified, at the first update, after the job, and when the timed blocks were over.",
        "Each implementation with a colour has rings of its own size, because those of right arms lie on one another.",
    ]
    canvas = blank_canvas(TITLE, result.race.title, notes, tall + BELOW)
    axes = canvas.axes(LEFT, BELOW + tall - TALL, wide, TALL)
    path = np.array(curve.parameters)
    points = [point for arm in verified for point in arm.points]
    on_path = _places([point for point in points if not point.judgement.fault])
    off_path = _places([point for point in points if point.judgement.fault])
    _view(axes, np.concatenate([path, [curve.optimum], on_path]), off_path)
    words = _path(axes, curve, result.race.reference.setting, verified)
    _contours(axes, curve, np.concatenate([path[::-4], [curve.optimum], words]))
    _rings(axes, verified, palette)
    _distances(canvas.axes(LEFT + wide + 0.35, BELOW, SIDE, tall), verified, palette, names)
    return canvas.figure


def _places(points: Sequence[Point]) -> Places:
    return np.array([(point.weight, point.bias) for point in points]).reshape(-1, 2)


def _view(axes: Axes, path: Places, off_path: Places) -> None:
    """Sets the limits: all of the path, and the wrong arms that are near enough not to make it small."""
    low, high = path.min(axis=0), path.max(axis=0)
    size = np.maximum(high - low, 1e-6)
    near = off_path[((off_path > low - NEAR * size) & (off_path < high + NEAR * size)).all(axis=1)]
    shown = np.concatenate([path, near])
    low, high = shown.min(axis=0) - 0.12 * size, shown.max(axis=0) + 0.12 * size
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xlabel="weight", ylabel="bias")
    axes.xaxis.label.set_color(FAINT)
    axes.yaxis.label.set_color(FAINT)


def _contours(axes: Axes, curve: LossCurve, occupied: Places) -> None:
    """The contours of the loss, which are ellipses: each at a round distance above the least loss.

    occupied  places, in data, that the loss of a contour must not stand on
    """
    curvature, centre = np.array(curve.curvature), np.array(curve.optimum)
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    corners = np.array([(x, y) for x in (left, right) for y in (bottom, top)]) - centre
    most = float(np.einsum("ni,ij,nj->n", corners, curvature, corners).max())
    if not (most > 0 and math.isfinite(most)):
        return
    values, basis = np.linalg.eigh(curvature)
    turn = np.linspace(0, 2 * np.pi, 181)
    circle = (basis / np.sqrt(np.maximum(values, 1e-12 * values[-1]))) @ np.array([np.cos(turn), np.sin(turn)])
    decades = range(math.floor(math.log10(most)) - 4, math.floor(math.log10(most)) + 1)
    low, size = np.array([left, bottom]), np.array([right - left, top - bottom])
    for level in (digit * 10.0**decade for decade in reversed(decades) for digit in reversed(CONTOURS)):
        ring = (centre[:, None] + circle * math.sqrt(level)).T
        axes.plot(*ring.T, color=MUTED, lw=0.7, zorder=1.2)
        inside = ring[((ring > low + 0.04 * size) & (ring < low + 0.96 * size)).all(axis=1)]
        if not len(inside):
            continue
        apart = np.abs((inside[:, None] - occupied) / size).max(axis=2).min(axis=1)
        if apart.max() > CLEAR:  # its loss stands where there is most room
            place = inside[int(apart.argmax())]
            axes.text(place[0], place[1], numbers.count(level, 1), **_text_style(7.5, FAINT), ha="center")
            occupied = np.concatenate([occupied, [place]])


def _text_style(size: float, colour: str) -> dict[str, Any]:
    box = {"facecolor": PAPER, "edgecolor": "none", "alpha": 0.75, "pad": 0.6}
    return {"fontsize": size, "color": colour, "va": "center", "bbox": box}


def _path(axes: Axes, curve: LossCurve, setting: Setting, verified: Sequence[VerifiedArm]) -> Places:
    """The path with the numbers of updates along it. Returns places, in data, that its words stand on."""
    path = np.array(curve.parameters)
    axes.plot(*path.T, color=INK, lw=1.6, zorder=2)
    furthest = max((p.judgement.updates for arm in verified if not arm.wrong for p in arm.points), default=0)
    if setting.batch == "full" and furthest > curve.updates[-1]:
        axes.plot(*_beyond_job(curve, setting.lr, furthest).T, color=INK, lw=1, ls=":", zorder=2)
    size = np.array([np.diff(axes.get_xlim())[0], np.diff(axes.get_ylim())[0]])
    last = curve.updates[-1]
    marks = [(path[-1], f"the job's end, {grouped(last)} updates"), (path[0], "start")]
    for share in (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.001):
        updates = round(share * last)
        at = np.array([np.interp(updates, curve.updates, along) for along in path.T])
        if updates and all(np.abs((at - other) / size).max() > 0.07 for other, _ in marks):
            marks.append((at, grouped(updates)))
    words = []
    for at, text in marks:
        axes.plot(*at, marker="o", ms=3, color=INK, zorder=5)
        words.append(_beside(axes, at, text, -12))
    axes.plot(*curve.optimum, marker="+", ms=13, mew=1.8, color=INK, zorder=5)
    words.append(_beside(axes, np.array(curve.optimum), f"least loss, {curve.minimum:.6g}", 14))
    return np.concatenate(words)


def _beside(axes: Axes, at: Places, text: str, up: float) -> Places:
    """Text to the right of a point, or to its left where it would leave the plot. Returns places along it, in data.

    up  points that it stands above the point
    """
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    inches = np.array([axes.bbox.width, axes.bbox.height]) / axes.figure.dpi
    long = labels.LETTER * len(text)
    leaves = (at[0] - left) / (right - left) * inches[0] + long + 0.2 > inches[0]
    shift, side = (-8, "right") if leaves else (8, "left")
    axes.annotate(
        text, tuple(at), xytext=(shift, up), textcoords="offset points", ha=side, zorder=6, **_text_style(8.5, INK)
    )
    along = np.linspace(0, -long if leaves else long, 1 + int(long / 0.2))
    offsets = np.column_stack([shift / 72 + along, np.full(len(along), up / 72)])
    return np.asarray(at + offsets / inches * np.array([right - left, top - bottom]))


def _beyond_job(curve: LossCurve, lr: float, updates: int) -> Places:
    """Where full batches go after the job: along an axis of the quadratic, an update multiplies the distance from the
    optimum by 1 - 2 lr curvature."""
    values, basis = np.linalg.eigh(np.array(curve.curvature))
    centre, last = np.array(curve.optimum), curve.updates[-1]
    distance = basis.T @ (np.array(curve.parameters[-1]) - centre)
    more = np.linspace(0, min(updates - last, 100 * last), 200)[:, None]
    return np.asarray(centre + ((1 - 2 * lr * values) ** more * distance) @ basis.T)


def _rings(axes: Axes, verified: Sequence[VerifiedArm], palette: Palette) -> None:
    """A ring at each verified answer; a cross at each wrong one."""
    sizes = {name: RING + WIDER * (number + 1) for number, name in enumerate(palette.colours)}
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    low, size = np.array([left, bottom]), np.array([right - left, top - bottom])
    groups: dict[tuple[str, str, bool], list[Point]] = {}
    for arm in verified:
        name = arm.arm.implementation if palette.has_colour(arm.arm) else ""
        for point in arm.points:
            groups.setdefault((name, palette.colour(arm.arm), bool(point.judgement.fault)), []).append(point)
    for (name, colour, fault), points in groups.items():
        places = (_places(points) - low) / size
        inside = ((places >= 0) & (places <= 1)).all(axis=1)
        _, distinct = np.unique(np.round(places[inside], 2), axis=0, return_index=True)
        x, y = _places(points)[inside][distinct].T
        if fault:
            axes.scatter(x, y, s=90, marker="X", c=colour if name else INK, edgecolors=PAPER, linewidths=0.8, zorder=6)
        else:
            rings: dict[str, Any] = {"facecolors": "none", "linewidths": 1.2, "zorder": 3.0 if name else 1.9}
            axes.scatter(x, y, s=sizes.get(name, RING) ** 2, edgecolors=colour, **rings)
    _name_wrong(axes, [arm for arm in verified if arm.wrong], low, size)


def _name_wrong(axes: Axes, wrong: Sequence[VerifiedArm], low: Places, size: Places) -> None:
    """Names the first wrong arms where their jobs ended, or at the edge with an arrow where that is outside the plot."""
    for arm in [arm for arm in wrong if arm.points][:FEW]:
        last = arm.final or arm.points[-1]
        place = (np.array([last.weight, last.bias]) - low) / size
        edge = np.clip(place, 0.06, 0.94)
        if ((place < 0) | (place > 1)).any():
            arrow = {"arrowstyle": "->", "color": INK, "shrinkA": 0, "shrinkB": 0}
            ends = tuple(low + np.clip(place, 0, 1) * size), tuple(low + edge * size)
            axes.annotate("", *ends, arrowprops=arrow, annotation_clip=False)
        else:
            edge = place
        _beside(axes, low + edge * size, f"WRONG: {labels.short(arm.arm.name)}", 0)


def _distances(axes: Axes, verified: Sequence[VerifiedArm], palette: Palette, names: Sequence[str]) -> None:
    """The largest distance of each arm's answers, on a logarithmic scale on which 1 is the limit; the largest at the top."""
    measured = [arm.worst for arm in verified if 0 < arm.worst < math.inf]
    low, high = min([*measured, 0.1]) / 2, max([*measured, 1.0]) * 3
    order = sorted(range(len(verified)), key=lambda index: -verified[index].worst)
    axes.set(xscale="log", xlim=(low, high), ylim=(len(verified) - 0.4, -0.6), yticks=[])
    style.scale(axes.xaxis, low, high, lambda worst: numbers.count(worst, 1))
    axes.set_xlabel("largest distance from the oracle;\n1: the most that rounding explains", color=FAINT, fontsize=8.5)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color=GRID, lw=0.6)
    axes.axvline(1, color=INK, lw=1.2, ls=(0, (4, 3)), zorder=1.5)
    axes.axvspan(1, high, color=MUTED, alpha=0.15, lw=0)
    worst = np.clip([verified[index].worst for index in order], low, high)
    stems = [[(low, place), (at, place)] for place, at in enumerate(worst)]
    colours = [palette.colour(verified[index].arm) for index in order]
    axes.add_collection(LineCollection(stems, colors=colours, lw=0.8), autolim=False)
    for marker, wrong in (("o", False), ("X", True)):
        places = [place for place, index in enumerate(order) if verified[index].wrong is wrong]
        axes.scatter(
            worst[places], places, s=46 if wrong else 22, c=[colours[place] for place in places], marker=marker,
            edgecolors=PAPER, linewidths=0.6, clip_on=False, zorder=3,
        )  # fmt: skip
    beside = axes.get_yaxis_transform()
    for place, index in enumerate(order if names else []):
        arm = verified[index]
        text = names[index] + (" WRONG" if arm.wrong else "")
        weight = "bold" if arm.arm.role == "reference" or arm.wrong else "normal"
        axes.text(1 + 0.1 / SIDE, place, text, transform=beside, va="center", fontsize=7, color=INK, weight=weight)
