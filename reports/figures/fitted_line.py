"""The tutorial's picture: the data, the line where training starts, on its way and at the end, and least squares."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MatplotlibFigure
from numpy.typing import NDArray

from bench.results.record import LossCurve, grouped
from impls.contract.setting import spoken
from reports.figures.kit import labels
from reports.figures.kit.canvas import WIDTH, blank_canvas
from reports.figures.kit.colours import Palette
from reports.figures.kit.figure import Figure
from reports.figures.kit.labels import Label
from reports.figures.kit.style import FAINT, INK, MUTED, PAPER
from reports.run.report import RaceResult
from reports.run.verified_weights import Judged, judged
from reports.text import numbers
from reports.text.sanitize import plain

TITLE = "The line over the data, from the start of the job to its end"
COLUMNS = ("what", "setting", "updates", "weight", "bias", "loss")
SHARES = (0.02, 0.05, 0.1, 0.2, 0.4)  # of the job, after which the line is drawn too
SPARSE = 50  # rows, up to which the dots are large and lie on the lines
FEW = 6  # wrong arms that are drawn
LEFT, BELOW, TALL = 0.8, 0.55, 5.0  # inches

LEAST = "least squares"
Line = tuple[float, float]


def draw(result: RaceResult, palette: Palette) -> Figure | None:
    """The picture of one race; None where what is fitted is no line."""
    descent = result.loss_curve
    if not descent or not descent.parameters or len(descent.sample) < 2:
        return None
    wrong = [each for each in judged(result) if each.wrong and each.final]
    course = np.array(descent.parameters)
    table = [
        ("the oracle", "", updates, *line, loss)
        for updates, line, loss in zip(descent.updates, course.tolist(), descent.losses, strict=True)
    ]
    table += [("least squares", "", None, *descent.optimum, descent.minimum)]
    table += [
        (each.arm.implementation, spoken(each.arm.setting), last.judgement.updates, last.weight, last.bias, None)
        for each in wrong
        for last in [each.final]
        if last
    ]
    said = _said(descent, wrong)
    text = plain(" ".join(said))
    return Figure(
        "line", TITLE, text, lambda: _figure(result, descent, wrong, palette, said), COLUMNS, table, race=result.race
    )


def _said(descent: LossCurve, wrong: Sequence[Judged]) -> list[str]:
    weight, bias = descent.parameters[-1]
    best = descent.optimum
    left = (descent.losses[-1] - descent.minimum) / max(descent.losses[0] - descent.minimum, 1e-300)
    said = [
        (
            f"After {grouped(descent.updates[-1])} updates every right arm has y = {weight:.5g} x + {bias:.5g}, "
            f"with a loss of {descent.losses[-1]:.6g}."
        ),
        (
            f"Least squares is y = {best[0]:.5g} x + {best[1]:.5g}, with {descent.minimum:.6g}: "
            f"{numbers.count(100 * left)} % of the way down in loss is left."
        ),
    ]
    if wrong:
        said.append(f"WRONG, dashed: {', '.join(each.arm.name for each in wrong[:FEW])}.")
        if len(wrong) > FEW:
            said.append(f"{len(wrong) - FEW} more are wrong and not drawn.")
    return said


def _figure(
    result: RaceResult, descent: LossCurve, wrong: Sequence[Judged], palette: Palette, said: Sequence[str]
) -> MatplotlibFigure:
    sample = np.array(descent.sample)
    lines = _lines(descent)
    off = [
        (
            f"WRONG: {labels.short(each.arm.name)}",
            (last.weight, last.bias),
            palette.colour(each.arm) if palette.has_colour(each.arm) else INK,
        )
        for each in wrong[:FEW]
        for last in [each.final]
        if last
    ]
    right = labels.room([*(text for text, *_ in (*lines, *off)), LEAST])
    wide = WIDTH - LEFT - right
    notes = [*said, f"Dots: {len(sample)} of {grouped(result.race.reference.setting.rows)} rows of the data."]
    canvas = blank_canvas(TITLE, result.race.title, notes, TALL + BELOW)
    axes = canvas.axes(LEFT, BELOW, wide, TALL)
    _scales(axes, sample, [line for _, line, _ in lines])
    dots: dict[str, Any] = {"s": 7, "zorder": 1} if len(sample) > SPARSE else {"s": 55, "zorder": 5}
    axes.scatter(sample[:, 0], sample[:, 1], color=MUTED, edgecolors=PAPER, linewidths=dots["s"] / 55, **dots)
    least = (descent.optimum[0], descent.optimum[1])
    named = [
        _drawn(axes, text, line, {"color": INK, "lw": 3.2 if alpha == 1 else 1.0, "alpha": alpha}, bold=alpha == 1)
        for text, line, alpha in lines
    ]
    named.append(_drawn(axes, LEAST, least, {"color": MUTED, "lw": 1.6, "ls": (0, (5, 3)), "zorder": 4}))
    named += [_drawn(axes, text, line, {"color": colour, "lw": 1.6, "ls": (0, (2, 1.5))}) for text, line, colour in off]
    labels.name_ends(axes, named, wide, TALL)
    return canvas.figure


def _lines(descent: LossCurve) -> list[tuple[str, Line, float]]:
    """(its name, the line, its opacity) at the start, after some of the updates, and at the end."""
    course, last = np.array(descent.parameters), descent.updates[-1]
    found: list[tuple[str, Line, float]] = []
    for updates in sorted({0, *(round(share * last) for share in SHARES), last}):
        weight, bias = (float(np.interp(updates, descent.updates, along)) for along in course.T)
        loss = float(np.interp(updates, descent.updates, descent.losses))
        said = "the start" if not updates else f"{grouped(updates)} update{'s' * (updates != 1)}"
        found.append((f"{said}, loss {numbers.count(loss, 3)}", (weight, bias), 0.3 + 0.4 * updates / last))
    return [*found[:-1], (found[-1][0], found[-1][1], 1.0)]


def _scales(axes: Axes, sample: NDArray[np.float64], lines: Sequence[Line]) -> None:
    """All of the data and of the lines that right arms have; wrong ones may leave the picture."""
    low, high = sample[:, 0].min(), sample[:, 0].max()
    edges = [weight * x + bias for weight, bias in lines for x in (low, high)]
    bottom, top = min([*edges, sample[:, 1].min()]), max([*edges, sample[:, 1].max()])
    room = 0.04 * ((top - bottom) or 1.0)
    aside = 0.02 * ((high - low) or 1.0)
    axes.set(xlim=(low - aside, high + aside), ylim=(bottom - room, top + room), xlabel="x", ylabel="y")
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set_color(FAINT)


def _drawn(axes: Axes, text: str, line: Line, look: dict[str, Any], *, bold: bool = False) -> Label:
    """Draws a line from edge to edge; its label, where it leaves the plot."""
    ends = np.array(axes.get_xlim())
    bottom, top = axes.get_ylim()
    weight, bias = line
    heights = weight * ends + bias
    axes.plot(ends, heights, **{"zorder": 3 if bold else 2} | look)
    inside = float(np.clip(heights[1], bottom, top))
    at = (inside - bias) / weight if weight and inside != heights[1] else ends[1]
    return Label(text, (float(np.clip(at, *ends)), inside), look, bold)
