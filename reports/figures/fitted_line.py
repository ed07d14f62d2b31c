"""The figure of the fitted line: the data, the line at the start, on its way and at the end of the job, and least squares."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MatplotlibFigure
from numpy.typing import NDArray

from bench.results.record import LossCurve
from impls.contract.coordinates import spoken
from impls.contract.words import counted, grouped
from reports.figures.kit import labels
from reports.figures.kit.canvas import WIDTH, blank_canvas
from reports.figures.kit.colours import Palette
from reports.figures.kit.figure import Figure
from reports.figures.kit.labels import Label
from reports.figures.kit.style import FAINT, INK, MUTED, PAPER
from reports.run.report import RaceResult
from reports.run.verified_weights import VerifiedArm, verified_arms
from reports.text import numbers
from reports.text.sanitize import plain

TITLE = "The line over the data, from the start of the job to its end"
COLUMNS = ("what", "setting", "updates", "weight", "bias", "loss")
SHARES = (0.02, 0.05, 0.1, 0.2, 0.4)  # of the job, after which the line is drawn too
SPARSE = 50  # rows, up to which the dots are large and drawn over the lines
FEW = 6  # wrong arms that are drawn
LEFT, BELOW, TALL = 0.8, 0.55, 5.0  # inches
LEAST = "least squares"
Line = tuple[float, float]  # weight, bias


def draw(result: RaceResult, palette: Palette) -> Figure | None:
    """The figure of one race; None where it does not fit a line."""
    curve = result.loss_curve
    if not curve or not curve.parameters or len(curve.sample) < 2:
        return None
    wrong = [arm for arm in verified_arms(result) if arm.wrong and arm.final]
    path = np.array(curve.parameters)
    table = [
        ("the oracle", "", updates, *line, loss)
        for updates, line, loss in zip(curve.updates, path.tolist(), curve.losses, strict=True)
    ]
    table += [(LEAST, "", None, *curve.optimum, curve.minimum)]
    table += [
        (arm.arm.implementation, spoken(arm.arm.setting), last.judgement.updates, last.weight, last.bias, None)
        for arm in wrong
        for last in [arm.final]
        if last
    ]
    sentences = _sentences(curve, wrong)
    text = plain(" ".join(sentences))
    return Figure(
        "line", TITLE, text, lambda: _figure(result, curve, wrong, palette, sentences), COLUMNS, table, race=result.race
    )


def _sentences(curve: LossCurve, wrong: Sequence[VerifiedArm]) -> list[str]:
    weight, bias = curve.parameters[-1]
    best = curve.optimum
    left = (curve.losses[-1] - curve.minimum) / max(curve.losses[0] - curve.minimum, 1e-300)
    sentences = [
        (
            f"After {grouped(curve.updates[-1])} updates every right arm has y = {weight:.5g} x + {bias:.5g}, "
            f"with a loss of {curve.losses[-1]:.6g}."
        ),
        (
            f"Least squares is y = {best[0]:.5g} x + {best[1]:.5g}, with a loss of {curve.minimum:.6g}: "
            f"{numbers.count(100 * left)} % of the excess over it at the start is left at the end."
        ),
    ]
    if wrong:
        sentences.append(f"WRONG, dashed: {', '.join(arm.arm.name for arm in wrong[:FEW])}.")
        if len(wrong) > FEW:
            sentences.append(f"{len(wrong) - FEW} more are wrong and not drawn.")
    return sentences


def _figure(
    result: RaceResult, curve: LossCurve, wrong: Sequence[VerifiedArm], palette: Palette, sentences: Sequence[str]
) -> MatplotlibFigure:
    sample = np.array(curve.sample)
    lines = _lines(curve)
    wrong_lines = [
        (
            f"WRONG: {labels.short(arm.arm.name)}",
            (last.weight, last.bias),
            palette.colour(arm.arm) if palette.has_colour(arm.arm) else INK,
        )
        for arm in wrong[:FEW]
        for last in [arm.final]
        if last
    ]
    right = labels.room([*(text for text, *_ in (*lines, *wrong_lines)), LEAST])
    wide = WIDTH - LEFT - right
    notes = [*sentences, f"Dots: {len(sample)} of {grouped(result.race.reference.setting.rows)} rows of the data."]
    canvas = blank_canvas(TITLE, result.race.title, notes, TALL + BELOW)
    axes = canvas.axes(LEFT, BELOW, wide, TALL)
    _scales(axes, sample, [line for _, line, _ in lines])
    dots: dict[str, Any] = {"s": 7, "zorder": 1} if len(sample) > SPARSE else {"s": 55, "zorder": 5}
    axes.scatter(sample[:, 0], sample[:, 1], color=MUTED, edgecolors=PAPER, linewidths=dots["s"] / 55, **dots)
    least = (curve.optimum[0], curve.optimum[1])
    named = [
        _line(axes, text, line, {"color": INK, "lw": 3.2 if alpha == 1 else 1.0, "alpha": alpha}, bold=alpha == 1)
        for text, line, alpha in lines
    ]
    named.append(_line(axes, LEAST, least, {"color": MUTED, "lw": 1.6, "ls": (0, (5, 3)), "zorder": 4}))
    for text, line, colour in wrong_lines:
        named.append(_line(axes, text, line, {"color": colour, "lw": 1.6, "ls": (0, (2, 1.5))}))
    labels.name_ends(axes, named, wide, TALL)
    return canvas.figure


def _lines(curve: LossCurve) -> list[tuple[str, Line, float]]:
    """The line at the start, after some of the updates and at the end: its label, the line, and its opacity."""
    path, last = np.array(curve.parameters), curve.updates[-1]
    lines: list[tuple[str, Line, float]] = []
    for updates in sorted({0, *(round(share * last) for share in SHARES), last}):
        weight, bias = (float(np.interp(updates, curve.updates, along)) for along in path.T)
        loss = float(np.interp(updates, curve.updates, curve.losses))
        name = counted(updates, "update") if updates else "the start"
        lines.append((f"{name}, loss {numbers.count(loss, 3)}", (weight, bias), 0.3 + 0.4 * updates / last))
    return [*lines[:-1], (lines[-1][0], lines[-1][1], 1.0)]


def _scales(axes: Axes, sample: NDArray[np.float64], lines: Sequence[Line]) -> None:
    """Sets the limits: all of the data and of the right arms' lines; wrong lines may leave the plot."""
    low, high = sample[:, 0].min(), sample[:, 0].max()
    edges = [weight * x + bias for weight, bias in lines for x in (low, high)]
    bottom, top = min([*edges, sample[:, 1].min()]), max([*edges, sample[:, 1].max()])
    room = 0.04 * ((top - bottom) or 1.0)
    aside = 0.02 * ((high - low) or 1.0)
    axes.set(xlim=(low - aside, high + aside), ylim=(bottom - room, top + room), xlabel="x", ylabel="y")
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set_color(FAINT)


def _line(axes: Axes, text: str, line: Line, look: dict[str, Any], *, bold: bool = False) -> Label:
    """Draws a line from edge to edge. Returns its label, at the place where it leaves the plot."""
    ends = np.array(axes.get_xlim())
    bottom, top = axes.get_ylim()
    weight, bias = line
    heights = weight * ends + bias
    axes.plot(ends, heights, **{"zorder": 3 if bold else 2} | look)
    inside = float(np.clip(heights[1], bottom, top))
    at = (inside - bias) / weight if weight and inside != heights[1] else ends[1]
    return Label(text, (float(np.clip(at, *ends)), inside), look, bold)
