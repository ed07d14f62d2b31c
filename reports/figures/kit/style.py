"""The style that all figures share: fonts, colours for light and for dark, and logarithmic scales of time."""

from collections.abc import Callable
from typing import Any

from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from reports.text import numbers

# Okabe and Ito (2008): distinguishable with any kind of colour vision. Orange is the reference's own. Their yellow is left
# out, because it is too pale for a line.
REFERENCE = "#E69F00"
COLOURS = ("#0072B2", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
MUTED = "#9aa5b1"
INK, FAINT, GRID, PAPER = "#222222", "#6b7280", "#dddddd", "#ffffff"
DARK = {INK: "#e8e8ea", FAINT: "#a3abb6", GRID: "#343a43", PAPER: "#16191e", MUTED: "#66707c", "#0072b2": "#3d9ad6"}
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": FAINT,
    "axes.edgecolor": FAINT,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "svg.fonttype": "none",
    "text.parse_math": False,  # a dollar in a reason is a dollar
    "svg.hashsalt": "looprace",
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def scale(axis: Axis, low: float, high: float, text: Callable[[float], str]) -> None:
    """Sets the ticks of a logarithmic axis from low to high: more of them on a short axis, each labelled by `text`."""
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high / low < 300 else (1.0,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))
    axis.set_minor_formatter(NullFormatter())
    axis.set_tick_params(which="both", colors=FAINT)


def duration(seconds: float) -> str:
    """A round duration in seconds as the label of a tick: "20 µs"."""
    unit, name = numbers.unit_for([seconds * 1.0001])
    return f"{numbers.count(round(seconds / unit, 6), 6)} {name}"  # 1e-4 / 1e-6 is not quite 100
