"""The canvas that a figure is drawn on: title, subtitle and notes, and room for plots that are placed in inches."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as MatplotlibFigure

from reports.figures.kit.style import FAINT, INK
from reports.text.sanitize import plain

WIDTH, TOP, EDGE = 11.0, 0.75, 0.1  # inches: of the canvas, of title and subtitle, and around the notes
NOTE, LETTERS = 0.165, 180  # height in inches of a line of the notes, and letters that it holds


@dataclass(frozen=True)
class Canvas:
    """A figure whose title and notes are drawn already, with room for plots between them.

    tall    height in inches of the room for plots
    bottom  height in inches of the notes below it
    """

    figure: MatplotlibFigure
    tall: float
    bottom: float

    def axes(self, left: float, low: float, wide: float, tall: float, **options: Any) -> Axes:
        """A plot of this size in inches, at so many inches from the left edge and above the notes."""
        height = self.figure.get_figheight()
        box = (left / WIDTH, (self.bottom + low) / height, wide / WIDTH, tall / height)
        axes = self.figure.add_axes(box, **options)
        axes.set_axisbelow(True)
        return axes


def blank_canvas(title: str, about: str, notes: Sequence[str], tall: float) -> Canvas:
    """A canvas with title, subtitle and notes, and so many inches of height for plots and their scales.

    Characters that would steer a terminal or turn the direction of writing are taken out of all text.
    """
    lines = [line for note in notes for line in textwrap.wrap(plain(note), LETTERS)]
    bottom = NOTE * len(lines) + 2 * EDGE
    height = TOP + tall + bottom
    figure = MatplotlibFigure(figsize=(WIDTH, height))
    figure.text(0.01, 1 - 0.14 / height, plain(title), va="top", weight="bold", color=INK, fontsize=12)
    figure.text(0.01, 1 - 0.42 / height, plain(about), va="top", fontsize=9, color=FAINT)
    figure.text(0.01, EDGE / height, "\n".join(lines), va="bottom", fontsize=8, color=INK, linespacing=1.35)
    return Canvas(figure, tall, bottom)
