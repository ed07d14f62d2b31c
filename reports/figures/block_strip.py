"""The small figure in the details of an arm: its blocks in the order they were timed, and their distribution.

There is one for every arm of a page, so it is drawn without axes, which would take most of the time.
"""

import io
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as MatplotlibFigure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from numpy.typing import NDArray

from bench.results.record import Record
from impls.contract.words import grouped
from reports.figures.kit import style
from reports.figures.kit.figure import adapt
from reports.figures.kit.style import FAINT, GRID, INK
from reports.text import numbers

Floats = NDArray[np.float64]

MOST = 300  # blocks that are drawn one by one; of more, each round is drawn as a band
WIDTH, HEIGHT = 520, 128  # points, like all below
LEFT, RIGHT, BOTTOM, TOP = 62, 424, 18, 116  # edges of the plot of the blocks in order
BINS_FROM, BINS_TO = 436, 516  # edges of the histogram
BINS = 24
NUMBERED = 20  # rounds, up to which each has its number


@dataclass(frozen=True)
class Strip:
    """The blocks of an arm as an SVG, and the same in words.

    marks  what a mark shows: a "block", or a "round" where there are too many blocks
    """

    svg: bytes
    text: str
    marks: str


def draw(records: Sequence[Record], colour: str) -> Strip | None:
    """Seconds an update of every block, round after round, on a logarithmic scale; None where nothing was timed."""
    rounds = [(record.round, seconds) for record in records if len(seconds := _seconds(record))]
    if not rounds:
        return None
    every = np.concatenate([seconds for _, seconds in rounds])
    marks = "block" if len(every) <= MOST else "round"
    with matplotlib.rc_context(style.STYLE):
        figure = MatplotlibFigure(figsize=(WIDTH / 72, HEIGHT / 72), dpi=72)
        _draw(figure, rounds, every, colour, bands=marks == "round")
        sink = io.BytesIO()
        # straight to the SVG: nothing in it needs a layout
        untyped: Any = FigureCanvasSVG(figure)
        untyped.print_svg(sink, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return Strip(adapt(sink.getvalue().decode()).encode(), _text(every, len(rounds)), marks)


def _seconds(record: Record) -> Floats:
    seconds: Floats = np.array(list(record.per_update.values()), dtype=float)
    return seconds[np.isfinite(seconds) & (seconds > 0)]


def _text(every: Floats, rounds: int) -> str:
    least, low, middle, high, most = (
        numbers.seconds(float(seconds)) for seconds in np.quantile(every, (0, 0.25, 0.5, 0.75, 1))
    )
    blocks = "1 block" if len(every) == 1 else f"{grouped(len(every))} blocks"
    where = "1 round" if rounds == 1 else f"{rounds} rounds"
    return (
        f"{blocks} in {where}: median {middle} an update, half of them from {low} to {high}, "
        f"all from {least} to {most}."
    )


def _draw(
    figure: MatplotlibFigure, rounds: Sequence[tuple[int, Floats]], every: Floats, colour: str, *, bands: bool
) -> None:
    least, most = float(every.min()), float(every.max())
    margin = max(0.01, 0.04 * math.log(most / least))
    low, high = math.log(least) - margin, math.log(most) + margin

    def heights(seconds: Floats) -> Floats:
        places: Floats = BOTTOM + (np.log(seconds) - low) / (high - low) * (TOP - BOTTOM)
        return places

    edges = LEFT + (RIGHT - LEFT) * np.concatenate([[0], np.cumsum([len(seconds) for _, seconds in rounds])]) / len(
        every
    )
    levels = _levels(every, heights)
    lines = [((LEFT, at), (BINS_TO, at)) for at, _ in levels] + [((x, BOTTOM - 4), (x, TOP + 4)) for x in edges[1:-1]]
    _stroke(figure, lines, GRID, 0.7)
    for at, text in levels:
        figure.text((LEFT - 5) / WIDTH, at / HEIGHT, text, ha="right", va="center", size=8.5, color=FAINT)
    medians = []
    thin, thick, dots = [], [], []
    for (_, seconds), start, end in zip(rounds, edges, edges[1:], strict=False):
        inset = min(1.5, 0.15 * (end - start))
        at = float(heights(np.median(seconds, keepdims=True))[0])
        medians.append(((start + inset, at), (end - inset, at)))
        if bands:
            middle = (start + end) / 2
            five = [(middle, float(height)) for height in heights(np.quantile(seconds, (0, 0.25, 0.75, 1)))]
            thin.append((five[0], five[3]))
            thick.append((five[1], five[2]))
        else:
            places = start + (end - start) * (np.arange(len(seconds)) + 0.5) / len(seconds)
            dots += [(dot, dot) for dot in zip(places.tolist(), heights(seconds).tolist(), strict=True)]
    _stroke(figure, medians, INK, 1.4, order=0 if dots else 2)
    _stroke(figure, thin, colour, 1.0)
    _stroke(figure, thick, colour, max(1.0, min(8.0, 0.5 * (RIGHT - LEFT) / len(rounds))), alpha=0.6)
    _stroke(figure, dots, colour, 3.0 if len(every) <= 150 else 2.2, alpha=0.85, cap="round")
    _distribution(figure, heights(every), colour)
    _number(figure, [number for number, _ in rounds], edges)


def _levels(every: Floats, heights: Callable[[Floats], Floats]) -> list[tuple[float, str]]:
    """Heights and texts of the median, the least and the most; one that would overlap another is left out."""
    levels: list[tuple[float, str]] = []
    for seconds in np.quantile(every, (0.5, 0, 1)):
        at = float(heights(np.array([seconds]))[0])
        if all(abs(at - other) > 10 for other, _ in levels):
            levels.append((at, numbers.seconds(float(seconds))))
    return levels


def _distribution(figure: MatplotlibFigure, heights: Floats, colour: str) -> None:
    """A histogram on its side, on the same scale as the blocks beside it."""
    counts, edges = np.histogram(heights, bins=BINS, range=(BOTTOM, TOP))
    ends = BINS_FROM + (BINS_TO - BINS_FROM) * counts / counts.max()
    outline = [(BINS_FROM, edges[0])]
    for end, below, above in zip(ends, edges, edges[1:], strict=False):
        outline += [(end, below), (end, above)]
    outline.append((BINS_FROM, edges[-1]))
    figure.add_artist(PathPatch(Path(outline, closed=False), fc=colour, ec="none", alpha=0.75, transform=None))


def _number(figure: MatplotlibFigure, numbers: Sequence[int], edges: Floats) -> None:
    shown = range(len(numbers)) if len(numbers) <= NUMBERED else (0, len(numbers) - 1)
    for place in shown:
        middle = (edges[place] + edges[place + 1]) / 2
        name = f"round {numbers[place]}" if place == 0 and len(numbers) < 8 else str(numbers[place])
        figure.text(middle / WIDTH, 3 / HEIGHT, name, ha="center", va="bottom", size=8, color=FAINT)
    figure.text(BINS_FROM / WIDTH, 3 / HEIGHT, "how often", ha="left", va="bottom", size=8, color=FAINT)


def _stroke(
    figure: MatplotlibFigure,
    lines: Iterable[tuple[tuple[float, float], tuple[float, float]]],
    colour: str,
    width: float,
    alpha: float = 1.0,
    cap: str = "butt",
    order: int = 1,
) -> None:
    """Draws all lines as one path, which keeps the file small."""
    ends = [end for line in lines for end in line]
    if ends:
        path = Path(ends, np.tile([Path.MOVETO, Path.LINETO], len(ends) // 2))
        path.should_simplify = False  # a line from a point to itself is a dot
        figure.add_artist(
            PathPatch(path, fill=False, ec=colour, lw=width, alpha=alpha, capstyle=cap, transform=None, zorder=order)
        )
