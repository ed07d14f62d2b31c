"""Labels beside a plot that name its lines: each as near to the end of its line as the others allow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from reports.figures.kit.style import INK
from reports.text.sanitize import plain

LINE = 0.175  # height of a label, in inches
LETTER = 0.073  # width of a letter, in inches, on average
KEY = (0.18, 0.50, 0.58)  # inches right of the plot at which the key of a label begins and ends, and its text begins
MOST = 60  # letters of a name


@dataclass(frozen=True)
class Label:
    """The label of a line.

    end    where the line ends, in data coordinates
    style  of the line and of its key: keywords of matplotlib's Line2D, "color" among them
    """

    text: str
    end: tuple[float, float]
    style: Mapping[str, Any]
    bold: bool = False


def short(text: str) -> str:
    """A name without control characters, cut where it is too long to stand beside a plot."""
    text = plain(text)
    return text if len(text) <= MOST else f"{text[: MOST - 1]}…"


def room(texts: Sequence[str]) -> float:
    """The width in inches that these labels need to the right of a plot."""
    return KEY[-1] + 0.1 + LETTER * max((len(text) for text in texts), default=0)


def name_ends(axes: Axes, labels: Sequence[Label], wide: float, tall: float) -> None:
    """Writes labels beside a plot of this size in inches, whose scales are set; a dotted line leads to each."""
    ends = axes.transData.transform([label.end for label in labels]) if labels else np.empty((0, 2))
    ends = axes.transAxes.inverted().transform(ends)
    places = spread(ends[:, 1] * tall, LINE, tall) / tall
    begin, end, text = (1 + inches / wide for inches in KEY)
    leaders = [[tuple(at), (begin, place)] for at, place in zip(ends, places, strict=True)]
    colours = [label.style["color"] for label in labels]
    beside = axes.transAxes
    axes.add_collection(
        LineCollection(leaders, colors=colours, lw=0.8, ls=":", transform=beside, clip_on=False, zorder=1.5),
        autolim=False,
    )
    for label, place in zip(labels, places, strict=True):
        line = Line2D([begin, (begin + end) / 2, end], [place] * 3, transform=beside, clip_on=False, **label.style)
        line.set_markevery([1])
        axes.add_artist(line)
        weight = "bold" if label.bold else "normal"
        axes.text(text, place, label.text, transform=beside, va="center", fontsize=8.5, color=INK, weight=weight)


def spread(wanted: NDArray[np.float64], gap: float, room: float) -> NDArray[np.float64]:
    """Places from 0 to `room` at least a gap apart, in the order of those wanted and as near to them as possible."""
    order = np.argsort(wanted, kind="stable")
    offsets = gap * np.arange(len(wanted))
    fitted = isotonic_regression(wanted[order] - offsets).x
    places = np.empty(len(wanted))
    places[order] = np.clip(fitted, 0, max(0.0, room - gap * (len(wanted) - 1))) + offsets
    return places
