"""The picture of a history: a small plot an arm, run after run, with its levels; what changed is first."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bench.results.statistics import Estimate
from reports.figures.kit.canvas import WIDTH, Canvas, blank_canvas
from reports.figures.kit.colours import Palette
from reports.figures.kit.figure import Figure
from reports.figures.kit.style import FAINT, GRID, INK, MUTED
from reports.history.text import findings
from reports.history.trends import History, Point, Trend
from reports.text import numbers
from reports.text.sanitize import plain

TITLE = "Each arm from run to run: higher is slower, a step is a change"
COLUMNS = ("arm", "run", "started", "quantity", "status", "value", "low", "high", "level")
MOST = 12  # arms with a plot of their own
ACROSS = 3
LEFT, GAP = 0.62, 0.16  # inches that the scale of a plot takes, and what is between it and its neighbour
TALL, HEAD, FOOT = 1.15, 0.3, 0.3  # inches of a plot, above it, below it
LEAST = 0.03  # of its level that a plot shows to either side, at least


def draw(history: History, palette: Palette, about: str, name: str = "history") -> Figure:
    """Its CSV holds every arm; `about` says which machine and when."""
    text = plain(f"{about}. {' '.join(list(findings(history))[:3])}")
    rows = list(_rows(history))
    return Figure("history", TITLE, text, lambda: _canvas(history, palette, about).figure, COLUMNS, rows, name=name)


def _quantity(trend: Trend, point: Point) -> Estimate | None:
    return point.ratio if trend.ratio else point.seconds


def _rows(history: History) -> Iterator[tuple[Any, ...]]:
    for trend in history.trends:
        for at, (run, point) in enumerate(zip(history.runs, trend.points, strict=True)):
            if point:
                found = _quantity(trend, point)
                ends = [getattr(found, edge, None) for edge in ("value", "low", "high")]
                quantity = "ratio" if trend.ratio else "seconds"
                yield (
                    trend.label,
                    run.name,
                    run.started,
                    quantity,
                    point.status,
                    *ends,
                    trend.told.at(at) if trend.told else None,
                )


def chosen(history: History) -> list[Trend]:
    """Those with a plot of their own: what changed, the reference, and the fastest of the rest."""
    timed = [trend for trend in history.trends if trend.told]
    first = [trend for trend in timed if trend.told and trend.told.changes]
    references = [trend for trend in timed if trend.arm.role == "reference"]
    return list({trend.label: trend for trend in (*first, *references, *timed)}.values())[:MOST]


def _canvas(history: History, palette: Palette, about: str) -> Canvas:
    own = chosen(history)
    others = [trend for trend in history.trends if trend.told and trend not in own]
    rows = math.ceil(len(own) / ACROSS)
    each = HEAD + TALL + FOOT
    canvas = blank_canvas(TITLE if own else "Nothing was measured", about, list(_notes(history, others)),
                 each * (rows + bool(others)))  # fmt: skip
    wide = (WIDTH - GAP) / ACROSS
    for number, trend in enumerate(own):
        row, column = divmod(number, ACROSS)
        low = each * (rows + bool(others) - row - 1) + FOOT
        axes = canvas.axes(LEFT + column * wide, low, wide - LEFT - GAP / 2, TALL)
        _plot(axes, history, trend, palette)
    if others:
        axes = canvas.axes(LEFT, FOOT, WIDTH - LEFT - 1.5 * GAP, TALL)
        _crowd(axes, history, others)
    return canvas


def _notes(history: History, others: Sequence[Trend]) -> Iterator[str]:
    yield (
        "dots: its time over the reference's in each run, in per cent of its latest level, with 95 % intervals; the reference "
        "itself by the clock; line: its level; x: no right answer, or none in time"
    )
    never = [trend.name for trend in history.trends if not trend.told]
    if never:
        more = f" and {len(never) - 10} more" if len(never) > 10 else ""
        yield f"never measured: {', '.join(never[:10])}{more}"
    if any(trend.told and trend.told.changes for trend in others):
        yield "more arms than have a plot here changed: history.md and history.csv tell of them"


def _plot(axes: Axes, history: History, trend: Trend, palette: Palette) -> None:
    levels = trend.told
    if levels is None:
        return
    base, colour = levels.values[-1], palette.colour(trend.arm)
    found = {at: each for at, point in enumerate(trend.points) if point and (each := _quantity(trend, point))}
    right = [at for at in levels.runs if at in found]
    values = np.array([found[at].value for at in right]) / base
    ends = np.array([[found[at].low or found[at].value, found[at].high or found[at].value] for at in right]) / base
    few = len(history.runs) <= 40
    bars = np.column_stack([ends, np.full(len(ends), np.nan)])  # one line with gaps: a tenth of the bytes of many
    axes.plot(np.repeat(right, 3), bars.ravel(), color=colour, lw=1.4 if few else 0.8, alpha=0.6)
    axes.plot(right, values, color=colour, marker="o", ms=3.6 if few else 2.2, ls="")
    edges = [*levels.starts, len(history.runs)]
    for start, end, level in zip(edges, edges[1:], levels.values, strict=False):
        axes.plot([start - 0.5, end - 0.5], [level / base] * 2, color=INK, lw=1.2, zorder=3)
    spread = np.concatenate([np.quantile(ends, [0.02, 0.98]), [v / base for v in levels.values], values])
    low, high = min(spread.min(), 1 - LEAST), max(spread.max(), 1 + LEAST)
    margin = 0.12 * (high - low)
    axes.set_ylim(low - margin, high + 2.2 * margin)
    for at, factor in levels.changes:
        axes.axvline(at - 0.5, color=INK, lw=0.9, ls=(0, (3, 2)))
        side = "right" if at > 0.6 * len(history.runs) else "left"
        said = f"{100 * (factor - 1):+.1f} %" if 0.5 < factor < 2 else f"x {numbers.count(factor, 3)}"
        axes.annotate(f"{said} on {history.runs[at].date[5:]}", (at - 0.5, 1), xycoords=("data", "axes fraction"),
                      xytext=(-3 if side == "right" else 3, -1), textcoords="offset points", ha=side, va="top",
                      fontsize=7.5, weight="bold", color=INK)  # fmt: skip
    _fail(axes, [trend])
    _scales(axes, history)
    weight = "bold" if levels.changes or trend.arm.role == "reference" else "normal"
    axes.set_title(_title(trend), loc="left", fontsize=8.5, color=INK, weight=weight, pad=4)


def _title(trend: Trend) -> str:
    """The arm, cut to its plot, and where it stands now."""
    last = trend.last
    said = (
        f"{numbers.count(last.ratio.value, 3)} x reference"
        if last.ratio
        else numbers.seconds(last.seconds.value)
        if last.seconds
        else ""
    )
    now = said if last.status == "ok" else last.status.replace("_", " ")
    name = plain(trend.name)
    room = 44 - len(now)
    return f"{name if len(name) <= room else name[: room - 1] + '…'} · {now}"


def _fail(axes: Axes, trends: Sequence[Trend]) -> None:
    """A mark at the lower edge for each run that had the arm and no right answer of it in time."""
    places = [at for trend in trends for at, point in enumerate(trend.points) if point and point.status != "ok"]
    edge = axes.get_xaxis_transform()
    axes.plot(places, [0.06] * len(places), transform=edge, color=INK, marker="x", ms=4, mew=1.1, ls="", clip_on=False)


def _crowd(axes: Axes, history: History, others: Sequence[Trend]) -> None:
    """All other arms on one another: that nothing sticks out is what there is to see."""
    for trend in others:
        if trend.told:
            found = {
                at: each for at in trend.told.runs if (point := trend.points[at]) and (each := _quantity(trend, point))
            }
            values = [each.value / trend.told.values[-1] for each in found.values()]
            axes.plot(list(found), values, color=MUTED, lw=0.8, marker="" if len(found) > 1 else "o", ms=2, alpha=0.8)
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, 1 - LEAST), max(high, 1 + LEAST))
    _scales(axes, history)
    number = "1 other arm" if len(others) == 1 else f"{len(others)} other arms"
    changed = sum(bool(trend.told and trend.told.changes) for trend in others)
    said = f"{changed} of them changed too" if changed else "no change was found in any of them"
    axes.set_title(f"{number}: {said}", loc="left", fontsize=8.5, color=INK, pad=4)


def _scales(axes: Axes, history: History) -> None:
    """Runs from left to right, with the dates of the first, the middle and the last; per cent of the latest level."""
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
