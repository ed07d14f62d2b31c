"""The picture of the weights' path over the contours of the loss, and how far from it each arm's answers were."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure as MatplotlibFigure
from numpy.typing import NDArray

from bench.results.record import LossCurve, grouped
from impls.contract.setting import Setting, spoken
from reports.figures.kit import labels, style
from reports.figures.kit.canvas import WIDTH, blank_canvas
from reports.figures.kit.colours import Palette
from reports.figures.kit.figure import Figure
from reports.figures.kit.style import FAINT, GRID, INK, MUTED, PAPER
from reports.run.report import RaceResult
from reports.run.verified_weights import Judged, Point, judged
from reports.text import numbers
from reports.text.sanitize import plain

TITLE = "The path of the weights over the contours of the loss, and how far from it the arms were"
COLUMNS = ("implementation", "setting", "status", "when", "updates", "weight", "bias", "distance", "tolerance")
LEFT, BELOW, TALL, SIDE = 0.8, 0.55, 5.4, 2.4  # inches; the last is the width of the strip
ROW = 0.125  # inches that a name in the strip takes
NAMED = 60  # arms, up to which the strip names each
RING, WIDER = 4.0, 2.6  # points: the smallest ring, and what each next implementation's is larger
FEW = 6  # wrong arms that are named beside the path
NEAR = 0.7  # sizes of the path, up to which a wrong arm is shown where it is; others at the edge
CONTOURS = (1.0, 2.0, 5.0)

Places = NDArray[np.float64]


def draw(result: RaceResult, palette: Palette) -> Figure | None:
    """The picture of one race; None where the weights are not those of a line, or nothing was judged."""
    descent, found = result.loss_curve, judged(result)
    if not descent or not descent.parameters or not found:
        return None
    table = [
        (
            each.arm.implementation,
            spoken(each.arm.setting),
            "wrong" if each.wrong else "ok",
            judgement.when,
            judgement.updates,
            point.weight,
            point.bias,
            judgement.distance,
            judgement.tolerance,
        )
        for each in found
        for point in each.points
        for judgement in [point.judgement]
    ]
    said = _said(found)
    text = plain(" ".join(said))
    return Figure(
        "path", TITLE, text, lambda: _figure(result, descent, found, palette, said), COLUMNS, table, race=result.race
    )


def _said(found: Sequence[Judged]) -> list[str]:
    right = [each for each in found if not each.wrong]
    said = []
    if right:
        worst = max(right, key=lambda each: each.worst)
        said.append(
            f"{len(right)} of {len(found)} arms were on the oracle's path whenever they were judged; the furthest from it, "
            f"{worst.arm.name}, by {numbers.count(100 * worst.worst)} % of what rounding explains."
        )
    if wrong := [f"{each.arm.name} ({each.excess})" for each in found if each.wrong]:
        more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        said.append(f"WRONG, off the path: {', '.join(wrong[:5])}{more}.")
    return said


def _figure(
    result: RaceResult, descent: LossCurve, found: Sequence[Judged], palette: Palette, said: Sequence[str]
) -> MatplotlibFigure:
    named = len(found) <= NAMED
    tall = max(TALL, ROW * (len(found) + 1)) if named else TALL
    names = [labels.short(each.arm.name) for each in found] if named else []
    right = 0.15 + 0.8 * labels.LETTER * max(map(len, names), default=0)
    wide = WIDTH - LEFT - SIDE - right - 0.35
    notes = [
        *said,
        "Rings: the weights that were judged, at the first update, after the job, and when the timed blocks were over.",
        "Each implementation with a colour has rings of its own size, for those of right arms lie on one another.",
    ]
    canvas = blank_canvas(TITLE, result.race.title, notes, tall + BELOW)
    axes = canvas.axes(LEFT, BELOW + tall - TALL, wide, TALL)
    path = np.array(descent.parameters)
    points = [point for each in found for point in each.points]
    on = _places([point for point in points if not point.judgement.fault])
    off = _places([point for point in points if point.judgement.fault])
    _view(axes, np.concatenate([path, [descent.optimum], on]), off)
    _contours(axes, descent)
    _path(axes, descent, result.race.reference.setting, found)
    _rings(axes, found, palette)
    _strip(canvas.axes(LEFT + wide + 0.35, BELOW, SIDE, tall), found, palette, names)
    return canvas.figure


def _places(points: Sequence[Point]) -> Places:
    return np.array([(point.weight, point.bias) for point in points]).reshape(-1, 2)


def _view(axes: Axes, path: Places, off: Places) -> None:
    """All of the path, and the wrong arms that are not so far off that it would be nothing beside them."""
    low, high = path.min(axis=0), path.max(axis=0)
    size = np.maximum(high - low, 1e-6)
    near = off[((off > low - NEAR * size) & (off < high + NEAR * size)).all(axis=1)]
    shown = np.concatenate([path, near])
    low, high = shown.min(axis=0) - 0.12 * size, shown.max(axis=0) + 0.12 * size
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xlabel="weight", ylabel="bias")
    axes.xaxis.label.set_color(FAINT)
    axes.yaxis.label.set_color(FAINT)


def _contours(axes: Axes, descent: LossCurve) -> None:
    """Ellipses, for the loss is a bowl: each at a round distance above the least loss."""
    curvature, centre = np.array(descent.curvature), np.array(descent.optimum)
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    corners = np.array([(x, y) for x in (left, right) for y in (bottom, top)]) - centre
    most = float(np.einsum("ni,ij,nj->n", corners, curvature, corners).max())
    if not (most > 0 and math.isfinite(most)):
        return
    values, basis = np.linalg.eigh(curvature)
    turn = np.linspace(0, 2 * np.pi, 181)
    circle = (basis / np.sqrt(np.maximum(values, 1e-12 * values[-1]))) @ np.array([np.cos(turn), np.sin(turn)])
    decades = range(math.floor(math.log10(most)) - 4, math.floor(math.log10(most)) + 1)
    path = np.array([*descent.parameters, descent.optimum])[::-4]
    low, size = np.array([left, bottom]), np.array([right - left, top - bottom])
    for level in (digit * 10.0**decade for decade in reversed(decades) for digit in reversed(CONTOURS)):
        ring = (centre[:, None] + circle * math.sqrt(level)).T
        axes.plot(*ring.T, color=MUTED, lw=0.7, zorder=1.2)
        seen = ring[((ring > low + 0.04 * size) & (ring < low + 0.96 * size)).all(axis=1)]
        if not len(seen):
            continue
        apart = np.abs((seen[:, None] - path) / size).max(axis=2).min(axis=1)
        if (
            apart.max() > 0.06
        ):  # where there is room for its loss: furthest from the path, and from what is said of others
            place = seen[int(apart.argmax())]
            axes.text(place[0], place[1], numbers.count(level, 1), **_words(7.5, FAINT), ha="center")
            path = np.concatenate([path, [place]])


def _words(size: float, colour: str) -> dict[str, Any]:
    box = {"facecolor": PAPER, "edgecolor": "none", "alpha": 0.75, "pad": 0.6}
    return {"fontsize": size, "color": colour, "va": "center", "bbox": box}


def _path(axes: Axes, descent: LossCurve, setting: Setting, found: Sequence[Judged]) -> None:
    path = np.array(descent.parameters)
    axes.plot(*path.T, color=INK, lw=1.6, zorder=2)
    furthest = max((p.judgement.updates for each in found if not each.wrong for p in each.points), default=0)
    if setting.batch == "full" and furthest > descent.updates[-1]:
        axes.plot(*_further(descent, setting.lr, furthest).T, color=INK, lw=1, ls=":", zorder=2)
    size = np.array([np.diff(axes.get_xlim())[0], np.diff(axes.get_ylim())[0]])
    last = descent.updates[-1]
    told = [(path[-1], f"the job's end, {grouped(last)} updates"), (path[0], "start")]
    for share in (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.001):
        updates = round(share * last)
        at = np.array([np.interp(updates, descent.updates, along) for along in path.T])
        if updates and all(np.abs((at - other) / size).max() > 0.07 for other, _ in told):
            told.append((at, grouped(updates)))
    for at, text in told:
        axes.plot(*at, marker="o", ms=3, color=INK, zorder=5)
        _beside(axes, at, text, -12)
    axes.plot(*descent.optimum, marker="+", ms=13, mew=1.8, color=INK, zorder=5)
    _beside(axes, np.array(descent.optimum), f"least loss, {descent.minimum:.6g}", 14)


def _beside(axes: Axes, at: Places, text: str, down: float) -> None:
    """Words to the right of a point, or to its left where they would leave the plot."""
    low, high = axes.get_xlim()
    wide = axes.bbox.width / axes.figure.dpi  # inches
    left = (at[0] - low) / (high - low) * wide + labels.LETTER * len(text) + 0.2 > wide
    shift, side = (-8, "right") if left else (8, "left")
    axes.annotate(
        text, tuple(at), xytext=(shift, down), textcoords="offset points", ha=side, zorder=6, **_words(8.5, INK)
    )


def _further(descent: LossCurve, lr: float, updates: int) -> Places:
    """Where full batches go after the job: each update shortens the distance from the optimum by 1 - 2 lr curvature."""
    values, basis = np.linalg.eigh(np.array(descent.curvature))
    centre, last = np.array(descent.optimum), descent.updates[-1]
    along = basis.T @ (np.array(descent.parameters[-1]) - centre)
    more = np.linspace(0, min(updates - last, 100 * last), 200)[:, None]
    return np.asarray(centre + ((1 - 2 * lr * values) ** more * along) @ basis.T)


def _rings(axes: Axes, found: Sequence[Judged], palette: Palette) -> None:
    sizes = {name: RING + WIDER * (turn + 1) for turn, name in enumerate(palette.colours)}
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    low, size = np.array([left, bottom]), np.array([right - left, top - bottom])
    together: dict[tuple[str, str, bool], list[Point]] = {}
    for each in found:
        name = each.arm.implementation if palette.has_colour(each.arm) else ""
        for point in each.points:
            together.setdefault((name, palette.colour(each.arm), bool(point.judgement.fault)), []).append(point)
    for (name, colour, fault), points in together.items():
        places = (_places(points) - low) / size
        inside = ((places >= 0) & (places <= 1)).all(axis=1)
        _, apart = np.unique(np.round(places[inside], 2), axis=0, return_index=True)
        x, y = _places(points)[inside][apart].T
        if fault:
            axes.scatter(x, y, s=90, marker="X", c=colour if name else INK, edgecolors=PAPER, linewidths=0.8, zorder=6)
        else:
            rings: dict[str, Any] = {"facecolors": "none", "linewidths": 1.2, "zorder": 3.0 if name else 1.9}
            axes.scatter(x, y, s=sizes.get(name, RING) ** 2, edgecolors=colour, **rings)
    _name_wrong(axes, [each for each in found if each.wrong], low, size)


def _name_wrong(axes: Axes, wrong: Sequence[Judged], low: Places, size: Places) -> None:
    """Beside where its job ended; at the edge, with an arrow, where that is outside; of many, the strip names the rest."""
    for each in [each for each in wrong if each.points][:FEW]:
        last = each.final or each.points[-1]
        place = (np.array([last.weight, last.bias]) - low) / size
        edge = np.clip(place, 0.06, 0.94)
        if ((place < 0) | (place > 1)).any():
            arrow = {"arrowstyle": "->", "color": INK, "shrinkA": 0, "shrinkB": 0}
            ends = tuple(low + np.clip(place, 0, 1) * size), tuple(low + edge * size)
            axes.annotate("", *ends, arrowprops=arrow, annotation_clip=False)
        else:
            edge = place
        _beside(axes, low + edge * size, f"WRONG: {labels.short(each.arm.name)}", 0)


def _strip(axes: Axes, found: Sequence[Judged], palette: Palette, names: Sequence[str]) -> None:
    """The worst of each arm's answers on a logarithmic scale on which 1 is the limit, the worst arm at the top."""
    measured = [each.worst for each in found if 0 < each.worst < math.inf]
    low, high = min([*measured, 0.1]) / 2, max([*measured, 1.0]) * 3
    order = sorted(range(len(found)), key=lambda index: -found[index].worst)
    axes.set(xscale="log", xlim=(low, high), ylim=(len(found) - 0.4, -0.6), yticks=[])
    style.scale(axes.xaxis, low, high, lambda worst: numbers.count(worst, 1))
    axes.set_xlabel("largest distance from the oracle;\n1: the most that rounding explains", color=FAINT, fontsize=8.5)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color=GRID, lw=0.6)
    axes.axvline(1, color=INK, lw=1.2, ls=(0, (4, 3)), zorder=1.5)
    axes.axvspan(1, high, color=MUTED, alpha=0.15, lw=0)
    worst = np.clip([found[index].worst for index in order], low, high)
    stems = [[(low, place), (at, place)] for place, at in enumerate(worst)]
    colours = [palette.colour(found[index].arm) for index in order]
    axes.add_collection(LineCollection(stems, colors=colours, lw=0.8), autolim=False)
    for marker, chosen in (("o", False), ("X", True)):
        places = [place for place, index in enumerate(order) if found[index].wrong is chosen]
        axes.scatter(
            worst[places], places, s=46 if chosen else 22, c=[colours[place] for place in places], marker=marker,
            edgecolors=PAPER, linewidths=0.6, clip_on=False, zorder=3,
        )  # fmt: skip
    for place, index in enumerate(order if names else []):
        role = found[index].arm.role
        said = names[index] + (" WRONG" if found[index].wrong else "")
        weight = "bold" if role == "reference" or found[index].wrong else "normal"
        beside = axes.get_yaxis_transform()
        axes.text(1 + 0.1 / SIDE, place, said, transform=beside, va="center", fontsize=7, color=INK, weight=weight)
