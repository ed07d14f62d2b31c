"""The sheet that a picture is drawn on, measured in inches: a title, what it is about, notes. Apart: no layout is solved."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as MatplotlibFigure

from reports.figures.kit.style import FAINT, INK
from reports.text.sanitize import plain

WIDTH, TOP, EDGE = 11.0, 0.75, 0.1  # inches
NOTE, LETTERS = 0.165, 165  # inches that a line of the notes takes, and letters that it holds


@dataclass(frozen=True)
class Canvas:
    """A figure with its words already on it, and room for plots between them.

    tall    inches that the plots have
    bottom  inches of the notes below them
    """

    figure: MatplotlibFigure
    tall: float
    bottom: float

    def axes(self, left: float, low: float, wide: float, tall: float, **chosen: Any) -> Axes:
        """A plot at so many inches from the left edge and above the notes."""
        height = self.figure.get_figheight()
        box = (left / WIDTH, (self.bottom + low) / height, wide / WIDTH, tall / height)
        axes = self.figure.add_axes(box, **chosen)
        axes.set_axisbelow(True)
        return axes


def blank_canvas(title: str, about: str, notes: Sequence[str], tall: float) -> Canvas:
    """An empty sheet that leaves so many inches for plots, with their scales. All words become harmless."""
    lines = [line for note in notes for line in textwrap.wrap(plain(note), LETTERS)]
    bottom = NOTE * len(lines) + 2 * EDGE
    height = TOP + tall + bottom
    figure = MatplotlibFigure(figsize=(WIDTH, height))
    figure.text(0.01, 1 - 0.14 / height, plain(title), va="top", weight="bold", color=INK, fontsize=12)
    figure.text(0.01, 1 - 0.42 / height, plain(about), va="top", fontsize=9, color=FAINT)
    figure.text(0.01, EDGE / height, "\n".join(lines), va="bottom", fontsize=8, color=INK, linespacing=1.35)
    return Canvas(figure, tall, bottom)
