"""The picture of a race: a bar an arm on a logarithmic scale, its interval, and the twin's band. As SVG and PNG."""

import io
import math
import textwrap
import warnings
from collections.abc import Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from impls.setting import spoken
from reports import words
from reports.comparison import RaceResult
from reports.rows import Row

# Okabe and Ito (2008): told apart with any kind of colour vision.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
INK, FAINT = "#222222", "#777777"
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "svg.fonttype": "none",
    "text.parse_math": False,  # a dollar in a reason is a dollar
    "svg.hashsalt": "looprace",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
}


def draw(result: RaceResult) -> dict[str, bytes]:
    """{"svg": ..., "png": ...}: the same bytes for the same result."""
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a reason may be in any script; the SVG keeps it
        figure = _figure(result)
        return {
            "svg": _bytes(figure, "svg", {"Date": None}),
            "png": _bytes(figure, "png", {"Software": None}),
        }


def _figure(result: RaceResult) -> Figure:
    timed = [row for row in result.rows if row.seconds]
    untimed = [row for row in result.rows if not row.seconds]
    notes = [line for row in untimed for line in _excuse(row)]
    figure = Figure(figsize=(9.5, 1.7 + 0.42 * max(1, len(timed)) + 0.2 * len(notes)), layout="constrained")
    axes = figure.add_subplot()
    figure.suptitle("Time of one parameter update: shorter is faster", x=0.01, ha="left", weight="bold", color=INK)
    axes.set_title(result.race.title, loc="left", fontsize=9, color=FAINT)
    if timed:
        _bars(axes, timed)
        _twin(axes, result)
    else:
        axes.set_axis_off()
    if notes:
        figure.supxlabel("\n".join(notes), x=0.01, ha="left", fontsize=8, color=FAINT)
    return figure


def _bars(axes: Axes, rows: Sequence[Row]) -> None:
    names = sorted({row.arm.implementation for row in rows})
    colours = {name: COLOURS[index % len(COLOURS)] for index, name in enumerate(names)}
    middles = [row.seconds.value for row in rows if row.seconds]
    left = 10 ** math.floor(math.log10(min(middles) / 1.5))
    right = max(middles) * (max(middles) / left) ** 0.28  # room for the words at the ends of the bars
    for place, (row, middle) in enumerate(zip(rows, middles, strict=True)):
        wrong = row.status != "ok"
        axes.barh(
            place,
            middle - left,
            left=left,
            height=0.62,
            color="white" if wrong else colours[row.arm.implementation],
            edgecolor=colours[row.arm.implementation],
            hatch="////" if wrong else "",
            alpha=0.9 if row.arm.setting.mode == "eager" else 1.0,
        )
        high = middle
        if row.seconds and row.seconds.low is not None and row.seconds.high is not None:
            high = row.seconds.high
            axes.errorbar(
                middle, place, xerr=[[middle - row.seconds.low], [high - middle]], color=INK, capsize=3, lw=1.2
            )
        axes.text(high * 1.06, place, _said(row), va="center", fontsize=9, color=INK)
    axes.set_yticks(range(len(rows)), [_label(row) for row in rows])
    for tick, row in zip(axes.get_yticklabels(), rows, strict=True):
        tick.set_fontweight("bold" if row.arm.role == "reference" else "normal")
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlim(left, right)
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if right / left < 300 else (1.0,)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: _tick(seconds)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", colors=FAINT, which="both")
    axes.grid(axis="x", color="#dddddd", lw=0.6)
    axes.set_axisbelow(True)


def _twin(axes: Axes, result: RaceResult) -> None:
    reference = next((row for row in result.rows if row.arm.role == "reference" and row.seconds), None)
    twin = result.twin
    if reference and reference.seconds and twin and twin.low is not None and twin.high is not None:
        value = reference.seconds.value
        axes.axvspan(
            value * min(1, twin.low),
            value * max(1, twin.high),
            color="#999999",
            alpha=0.35,
            lw=0,
            label="the reference against itself (95 %): how much identical code differs",
        )
        axes.legend(loc="upper left", bbox_to_anchor=(0, -0.09), frameon=False, fontsize=8, labelcolor=FAINT)


def _label(row: Row) -> str:
    return f"{row.arm.implementation}  {spoken(row.arm.setting)}"


def _said(row: Row) -> str:
    """ "398 µs, 2.1x faster": what stands at the end of a bar."""
    if row.seconds is None:
        return ""
    said = words.seconds(row.seconds.value)
    if row.status != "ok":
        return f"{said}  WRONG ANSWER"
    if row.arm.role == "reference":
        return f"{said}  reference"
    if row.ratio and row.verdict in ("faster", "slower"):
        factor = 1 / row.ratio.value if row.verdict == "faster" else row.ratio.value
        return f"{said}  {factor:.3g}x {row.verdict}" if factor >= 1.1 else f"{said}  {row.verdict}"
    return f"{said}  {row.verdict}"


def _excuse(row: Row) -> list[str]:
    text = f"{_label(row)}: {row.status.replace('_', ' ')}: {words.plain(row.reason)}"
    return textwrap.wrap(text, 120)[:3]


def _tick(seconds: float) -> str:
    scale, unit = words.unit_for([seconds * 1.0001])
    return f"{seconds / scale:g} {unit}"


def _bytes(figure: Figure, kind: str, metadata: dict[str, None]) -> bytes:
    sink = io.BytesIO()
    figure.savefig(sink, format=kind, dpi=150, metadata=metadata)
    return sink.getvalue()
