"""The figure of a history: a small plot for each arm, run after run, with its levels; arms that changed come first."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bench.results.statistics import Estimate
from impls.contract.words import counted
from reports.figures.kit.canvas import WIDTH, Canvas, blank_canvas
from reports.figures.kit.colours import Palette, palette_of
from reports.figures.kit.figure import Figure
from reports.figures.kit.style import FAINT, GRID, INK, MUTED
from reports.history.text import findings, in_digits
from reports.history.trends import History, Point, Trend
from reports.text import numbers
from reports.text.sanitize import plain

TITLE = "Each arm from run to run: higher is slower, a step is a change"
COLUMNS = ("arm", "run", "started", "quantity", "status", "value", "low", "high", "level")
MOST = 12  # arms with a plot of their own
ACROSS = 3  # plots side by side
LEFT, GAP = 0.62, 0.16  # inches that the scale of a plot takes, and between a plot and its neighbour
TALL, HEAD, FOOT = 1.15, 0.46, 0.3  # inches of a plot, above it, below it
LEAST = 0.03  # share of its level that a plot shows to either side, at least
TITLE_LETTERS = 46  # that fit above a plot


def draw(history: History, about: str, name: str = "history") -> Figure:
    """The figure of one machine's runs; `about` names the machine and the days. Its CSV holds every arm."""
    text = plain(f"{about}. {' '.join(list(findings(history))[:3])}")
    rows = list(_rows(history))
    return Figure("history", TITLE, text, lambda: _canvas(history, about).figure, COLUMNS, rows, name=name)


def palette(history: History) -> Palette:
    """The colours of the arms, by their latest times."""
    references = dict.fromkeys(trend.arm.implementation for trend in history.trends if trend.arm.role == "reference")
    seconds: dict[str, float] = {}
    for trend in history.trends:
        last, arm = trend.last, trend.arm
        if last.status == "ok" and last.seconds and last.work == "faithful" and arm.setting.watch == "none":
            seconds[arm.implementation] = min(last.seconds.value, seconds.get(arm.implementation, math.inf))
    return palette_of(list(references), seconds)


def chosen(history: History) -> list[Trend]:
    """The arms with a plot of their own: those that changed, the references, and the fastest of the rest."""
    timed = [trend for trend in history.trends if trend.levels]
    changed = [trend for trend in timed if trend.levels and trend.levels.changes]
    references = [trend for trend in timed if trend.arm.role == "reference"]
    return list({trend.key: trend for trend in (*changed, *references, *timed)}.values())[:MOST]


def _quantity(trend: Trend, point: Point) -> Estimate | None:
    """What is drawn of a run: the ratio to the reference, or seconds of an arm that has none."""
    return point.ratio if trend.ratio else point.seconds


def _rows(history: History) -> Iterator[tuple[Any, ...]]:
    for trend in history.trends:
        for at, (run, point) in enumerate(zip(history.runs, trend.points, strict=True)):
            if point:
                estimate = _quantity(trend, point)
                ends = [getattr(estimate, edge, None) for edge in ("value", "low", "high")]
                quantity = "ratio" if trend.ratio else "seconds"
                level = trend.levels.at(at) if trend.levels else None
                yield (trend.key, run.name, run.started, quantity, point.status, *ends, level)


def _canvas(history: History, about: str) -> Canvas:
    own, colours = chosen(history), palette(history)
    others = [trend for trend in history.trends if trend.levels and trend not in own]
    rows = math.ceil(len(own) / ACROSS)
    row_height = HEAD + TALL + FOOT
    tall = row_height * (rows + bool(others))
    canvas = blank_canvas(TITLE if own else "Nothing was measured", about, list(_notes(history, others)), tall)
    wide = (WIDTH - GAP) / ACROSS
    for number, trend in enumerate(own):
        row, column = divmod(number, ACROSS)
        low = row_height * (rows + bool(others) - row - 1) + FOOT
        axes = canvas.axes(LEFT + column * wide, low, wide - LEFT - GAP / 2, TALL)
        _plot(axes, history, trend, colours)
    if others:
        axes = canvas.axes(LEFT, FOOT, WIDTH - LEFT - 1.5 * GAP, TALL)
        _crowd(axes, history, others)
    return canvas


def _notes(history: History, others: Sequence[Trend]) -> Iterator[str]:
    yield (
        "Dots: the time of an arm over the reference's in each run, in per cent of its latest level, with 95 % intervals; "
        "of the reference itself, its seconds. Line: the level. Cross: no right answer, or none in time."
    )
    never = [trend.name for trend in history.trends if not trend.levels]
    if never:
        more = f" and {len(never) - 10} more" if len(never) > 10 else ""
        yield f"Never measured: {', '.join(never[:10])}{more}."
    if any(trend.levels and trend.levels.changes for trend in others):
        yield "More arms changed than have a plot here: history.md and history.csv list them."


def _plot(axes: Axes, history: History, trend: Trend, colours: Palette) -> None:
    levels = trend.levels
    if levels is None:
        return
    base, colour = levels.values[-1], colours.colour(trend.arm)
    estimates = _estimates(trend)
    runs = [at for at in levels.runs if at in estimates]
    values = np.array([estimates[at].value for at in runs]) / base
    ends = np.array(
        [[estimates[at].low or estimates[at].value, estimates[at].high or estimates[at].value] for at in runs]
    )
    ends = ends / base
    few = len(history.runs) <= 40
    bars = np.column_stack([ends, np.full(len(ends), np.nan)])  # one line with gaps: a tenth of the bytes of many
    axes.plot(np.repeat(runs, 3), bars.ravel(), color=colour, lw=1.4 if few else 0.8, alpha=0.6)
    axes.plot(runs, values, color=colour, marker="o", ms=3.6 if few else 2.2, ls="")
    edges = [*levels.starts, len(history.runs)]
    for start, end, level in zip(edges, edges[1:], levels.values, strict=False):
        axes.plot([start - 0.5, end - 0.5], [level / base] * 2, color=INK, lw=1.2, zorder=3)
    spread = np.concatenate([np.quantile(ends, [0.02, 0.98]), [value / base for value in levels.values], values])
    low, high = min(spread.min(), 1 - LEAST), max(spread.max(), 1 + LEAST)
    margin = 0.12 * (high - low)
    axes.set_ylim(low - margin, high + 2.2 * margin)
    for at, factor in levels.changes:
        _mark_change(axes, history, at, factor)
    _mark_failures(axes, trend)
    _scales(axes, history)
    weight = "bold" if levels.changes or trend.arm.role == "reference" else "normal"
    axes.set_title(_title(trend), loc="left", fontsize=8.5, color=INK, weight=weight, pad=4)


def _estimates(trend: Trend) -> dict[int, Estimate]:
    """What each run measured of the arm, by run."""
    return {at: estimate for at, point in enumerate(trend.points) if point and (estimate := _quantity(trend, point))}


def _mark_change(axes: Axes, history: History, at: int, factor: float) -> None:
    """A dashed line before the first run of a new level, with the size of the change and the day."""
    axes.axvline(at - 0.5, color=INK, lw=0.9, ls=(0, (3, 2)))
    left = at > 0.6 * len(history.runs)
    axes.annotate(
        f"{in_digits(factor)} on {history.runs[at].date[5:]}",
        (at - 0.5, 1),
        xycoords=("data", "axes fraction"),
        xytext=(-3 if left else 3, -1),
        textcoords="offset points",
        ha="right" if left else "left",
        va="top",
        fontsize=7.5,
        weight="bold",
        color=INK,
    )


def _title(trend: Trend) -> str:
    """Two lines: the arm, its end where there is no room for all of its name, and its latest time."""
    last = trend.last
    if last.status != "ok":
        now = last.status.replace("_", " ")
    elif last.ratio:
        now = f"{numbers.count(last.ratio.value, 3)} x reference"
    else:
        now = numbers.seconds(last.seconds.value) if last.seconds else ""
    name = plain(trend.name)
    shown = name if len(name) <= TITLE_LETTERS else f"…{name[1 - TITLE_LETTERS :]}"
    return f"{shown}\n{now}"


def _mark_failures(axes: Axes, trend: Trend) -> None:
    """A cross at the lower edge for each run that had the arm and no right answer of it in time."""
    places = [at for at, point in enumerate(trend.points) if point and point.status != "ok"]
    edge = axes.get_xaxis_transform()
    axes.plot(places, [0.06] * len(places), transform=edge, color=INK, marker="x", ms=4, mew=1.1, ls="", clip_on=False)


def _crowd(axes: Axes, history: History, others: Sequence[Trend]) -> None:
    """All other arms in one plot, to show that none of them stands out."""
    for trend in others:
        if trend.levels:
            estimates = _estimates(trend)
            runs = [at for at in trend.levels.runs if at in estimates]
            values = [estimates[at].value / trend.levels.values[-1] for at in runs]
            axes.plot(runs, values, color=MUTED, lw=0.8, marker="" if len(runs) > 1 else "o", ms=2, alpha=0.8)
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, 1 - LEAST), max(high, 1 + LEAST))
    _scales(axes, history)
    changed = sum(bool(trend.levels and trend.levels.changes) for trend in others)
    finding = f"{changed} of them changed too" if changed else "no change was found in any of them"
    title = f"{counted(len(others), 'other arm')}: {finding}"
    axes.set_title(title, loc="left", fontsize=8.5, color=INK, pad=4)


def _scales(axes: Axes, history: History) -> None:
    """Runs from left to right, with the dates of the first, the middle and the last; up, per cent of the latest level."""
    last = len(history.runs) - 1
    axes.set_xlim(-0.7, last + 0.7)
    ticks = sorted({0, last} if last < 4 else {0, last // 2, last})
    axes.set_xticks(ticks, [history.runs[at].date for at in ticks])
    if last:
        axes.get_xticklabels()[0].set_horizontalalignment("left")
        axes.get_xticklabels()[-1].set_horizontalalignment("right")
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
    axes.tick_params(colors=FAINT, labelsize=7.5)
    axes.grid(axis="y", color=GRID, lw=0.6)
