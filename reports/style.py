"""What all pictures have in common: type, colours, the scale of times, and the same bytes for the same figure."""

import io
import warnings
from collections.abc import Callable
from typing import Any

import matplotlib
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from reports import words

# Okabe and Ito (2008): told apart with any kind of colour vision. Their yellow is left out: it is too pale for a line.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
INK, FAINT, GRID = "#222222", "#777777", "#dddddd"
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "svg.fonttype": "none",
    "text.parse_math": False,  # a dollar in a reason is a dollar
    "svg.hashsalt": "looprace",
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def drawn(figure: Callable[[], Figure]) -> dict[str, bytes]:
    """{"svg": ..., "png": ...} of the figure that is made under this style."""
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a reason may be in any script; the SVG keeps it
        made = figure()
        return {"svg": _bytes(made, "svg", {"Date": None}), "png": _bytes(made, "png", {"Software": None})}


def _bytes(figure: Figure, kind: str, metadata: dict[str, None]) -> bytes:
    sink = io.BytesIO()
    figure.savefig(sink, format=kind, dpi=150, metadata=metadata)
    return sink.getvalue()


def scale(axis: Axis, low: float, high: float, text: Callable[[float], str]) -> None:
    """Ticks of a logarithmic axis from low to high: more of them on a short one, each as `text` says it."""
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high / low < 300 else (1.0,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))
    axis.set_minor_formatter(NullFormatter())
    axis.set_tick_params(which="both", colors=FAINT)


def duration(seconds: float) -> str:
    """A round duration as a tick says it: "20 µs"."""
    unit, name = words.unit_for([seconds * 1.0001])
    return f"{seconds / unit:g} {name}"
