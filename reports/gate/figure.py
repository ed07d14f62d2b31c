"""The figure of a gate: for each arm the change as a dot with its 95 % interval, beside 0, the floor and the gate."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator

from bench.results.gate import Clocked, Margins
from reports.figures.kit import labels
from reports.figures.kit.canvas import WIDTH, Canvas, blank_canvas
from reports.figures.kit.figure import Figure
from reports.figures.kit.style import COLOURS, FAINT, GRID, INK, MUTED
from reports.gate import changes
from reports.gate.summary import GateReport, Row

TITLE = "Time of an update, head against base: left is faster, right is slower"
COLUMNS = ("arm", "verdict", "change", "low", "high", "rounds", "floor", "gate")
BLUE, GREEN, _, _, RED = COLOURS
LOOKS = {"regressed": RED, "improved": GREEN, "ok": BLUE}
BY = {
    "counter": "a counter",
    "phase": "a phase",
    "memory": "its memory",
    "answer": "its answer",
    "budget": "a budget",
}  # what may decide besides the measured time
ABOVE = 0.8  # lines that the names of floor and gate take
EACH, BELOW, SAID = 0.27, 0.35, 2.9  # inches that an arm takes, the scale, and what is said of an arm
STEPS = (
    0.1,
    0.2,
    0.5,
    1,
    2,
    3,
    5,
    10,
    20,
    50,
    100,
    200,
    500,
    1000,
    10_000,
    100_000,
)  # per cent, on either side of none
LINEAR = 0.05  # changes up to about this one are drawn to scale, larger ones on a logarithmic scale
APART = 0.55  # inches between two ticks, at least
MOST = 60  # arms in the picture; the table has all
WIDEST = 5.0  # as a logarithm: an interval of two rounds may reach anywhere


@dataclass(frozen=True)
class Line:
    """One line of the figure: an arm, or below it a phase of its updates.

    word  what is said of it beside its change
    """

    name: str
    clocked: Clocked
    margins: Margins
    word: str
    phase: bool = False


def draw(report: GateReport) -> Figure:
    """The figure; its CSV has changes as fractions of the base's time, and the controls in its last row."""
    return Figure("gate", TITLE, report.headline, lambda: _canvas(report).figure, COLUMNS, list(_numbers(report)))


def _numbers(report: GateReport) -> Iterator[tuple[Any, ...]]:
    for row in report.rows:
        margins = row.verdict.cell.margins
        yield (row.name, row.word, *_ends(row.verdict.clocked), margins.floor, margins.gate)
        for name, phase in row.verdict.phases.items():
            of_phase = margins.of_phase
            yield (f"{row.name}: {name}", phase.word, *_ends(phase.clocked), of_phase.floor, of_phase.gate)
    controls = report.verdict.controls
    if controls.clocked:
        yield ("controls", "vetoes" if controls.vetoes else "", *_ends(controls.clocked), None, None)


def _ends(clocked: Clocked | None) -> tuple[Any, ...]:
    return tuple(getattr(clocked, name, None) for name in ("change", "low", "high", "rounds"))


def _canvas(report: GateReport) -> Canvas:
    drawable = [line for row in report.rows for line in _lines(row) if _drawable(line.clocked)]
    shown, controls = drawable[:MOST], report.verdict.controls.clocked
    controls = controls if controls and _drawable(controls) else None
    lines = len(shown) + (1.5 if controls else 0)
    canvas = blank_canvas(
        TITLE if lines else "No arm has a time to compare", report.title, list(_notes(drawable)), _tall(lines)
    )
    names = [labels.short(line.name) for line in shown] + (["controls"] if controls else [])
    left = labels.LETTER * max(map(len, names), default=0) + 0.3
    wide = WIDTH - left - SAID
    axes = canvas.axes(left, BELOW, wide, _tall(lines) - BELOW)
    if not lines:
        axes.set_axis_off()
        return canvas
    _scale(axes, controls, shown, APART / wide)
    axes.set_ylim(lines - 0.4, -0.6 - ABOVE)
    axes.plot([0, 0], [lines - 0.4, -0.5], color=INK, lw=1)
    for at, line in enumerate(shown):
        _margins(axes, at, line.margins, last=at == len(shown) - 1)
        _line(axes, at, line.clocked, LOOKS.get(line.word.partition(",")[0], FAINT), line.word, thin=line.phase)
    _named(axes, {(line.margins.floor, line.margins.gate) for line in shown})
    places: list[float] = list(range(len(shown)))
    if controls:
        places.append(lines - 1)
        _line(
            axes,
            lines - 1,
            controls,
            MUTED,
            "identical code" + (": no time is believed" * report.verdict.controls.vetoes),
        )
    axes.set_yticks(places, names, fontsize=9)
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    return canvas


def _tall(lines: float) -> float:
    return EACH * (lines + ABOVE) + BELOW


def _lines(row: Row) -> Iterator[Line]:
    """The line of an arm, then one for each phase of its updates that is judged."""
    if row.verdict.clocked:
        yield Line(row.name, row.verdict.clocked, row.verdict.cell.margins, _word(row))
    for name, phase in row.verdict.phases.items():
        if phase.clocked and phase.word != "small":
            yield Line(f"  {name}", phase.clocked, row.verdict.cell.margins.of_phase, phase.word, phase=True)


def _notes(drawable: Sequence[Line]) -> Iterator[str]:
    yield "Lines: 95 % intervals over rounds of fresh processes. Controls: identical on both sides, so the true change is 0."
    yield "Floor: what a slowdown must be proved to exceed. Gate: a slowdown of this size stops a merge."
    if any(line.phase for line in drawable):
        yield "Below an arm, the phases of its updates that are large enough to be judged, by margins of their own."
    if len(drawable) > MOST:
        yield f"{len(drawable) - MOST} more lines are in the table"


def _drawable(clocked: Clocked) -> bool:
    return clocked.change > -1 and math.isfinite(clocked.change)


def _place(change: float | None) -> float:
    """Where a change is drawn: linear near 0 and logarithmic beyond, so that 1 % and 10 times are both visible."""
    logarithm = WIDEST if change is None or math.isnan(change) else math.log(max(1 + change, math.exp(-WIDEST)))
    return math.asinh(min(logarithm, WIDEST) / LINEAR)


def _scale(axes: Axes, controls: Clocked | None, shown: Sequence[Line], apart: float) -> None:
    """Sets limits and ticks of the scale.

    apart  least distance of two ticks, as a share of the plot's width
    """
    every = [*(line.clocked for line in shown), *([controls] if controls else [])]
    ends = [_place(end) for each in every for end in (each.change, each.low, each.high) if end is not None]
    gates = [_place(line.margins.gate) for line in shown]
    left, right = min([*ends, _place(-0.01)]), max([*ends, *gates, _place(0.01)])
    margin = 0.05 * (right - left)
    ticks = list(_ticks(left, right, apart))
    axes.set_xlim(left - margin, right + margin)
    axes.xaxis.set_major_locator(FixedLocator([place for place, _ in ticks]))
    axes.xaxis.set_major_formatter(FixedFormatter([label for _, label in ticks]))
    axes.tick_params(axis="x", colors=FAINT, labelsize=9)
    axes.grid(axis="x", color=GRID, lw=0.6)
    axes.spines["left"].set_visible(False)


def _ticks(left: float, right: float, apart: float) -> Iterator[tuple[float, str]]:
    """Places and labels of ticks: 0, then on either side as many round changes as fit."""
    yield 0.0, "0"
    for sign in (1, -1):
        last = 0.0
        for step in (step for step in STEPS if sign * step > -100):
            place = _place(sign * step / 100)
            if left <= place <= right and abs(place - last) >= apart * (right - left):
                yield place, f"{sign * step:+g} %"
                last = place


def _word(row: Row) -> str:
    """Its verdict, and whether something other than the measured time decided it."""
    causes = [BY[reason.cause] for reason in row.verdict.reasons if reason.cause in BY]
    return f"regressed, by {causes[0]}" if row.word == "regressed" and causes and not row.verdict.timed else row.word


def _named(axes: Axes, margins: set[tuple[float, float]]) -> None:
    """Labels the lines of floor and gate, with their values where these are the same for all lines.

    margins  floor and gate of each line
    """
    if not margins:
        return
    floor, gate = min(margins)
    for what, value, side in (("floor", floor, "right"), ("gate", gate, "left")):
        label = f"{what} {changes.margin(value)}" if len(margins) == 1 else what
        axes.text(_place(value), -0.65, label, ha=side, va="bottom", fontsize=8, color=FAINT)


def _margins(axes: Axes, at: int, margins: Margins, *, last: bool) -> None:
    """The floor and the gate of one arm; those of equal arms join to lines."""
    for value, dashes in ((margins.floor, (0, (1, 2))), (margins.gate, (0, (4, 3)))):
        ends = [at - 0.5, at + (0.45 if last else 0.5)]
        axes.plot([_place(value)] * 2, ends, color=RED, lw=1, ls=dashes, solid_capstyle="butt")


def _line(axes: Axes, at: float, clocked: Clocked, colour: str, word: str, *, thin: bool = False) -> None:
    if clocked.low is not None and clocked.high is not None:
        ends = [_place(clocked.low), _place(clocked.high)]
        axes.plot(ends, [at, at], color=colour, lw=1 if thin else 2, solid_capstyle="butt")
    sure = word in LOOKS  # decided by measured times
    dot: dict[str, Any] = {"marker": "o", "ms": 4 if thin else 6.5, "color": colour} | (
        {} if sure else {"mfc": "none", "mew": 1.4}
    )
    axes.add_line(Line2D([_place(clocked.change)], [at], **dot))
    grave = word.startswith(("regressed", "improved"))
    look = {"color": INK if sure or grave else FAINT, "weight": "bold" if grave and not thin else "normal"}
    style: dict[str, Any] = {"va": "center", "fontsize": 8.5, **look}
    axes.text(1.01, at, f"{changes.change(clocked)}  {word}", transform=axes.get_yaxis_transform(), **style)
