"""The text of a canvas never overlaps its plots, and leaves them the room that was asked for."""

import pytest
from matplotlib.figure import Figure as MatplotlibFigure

from reports.figures.kit.canvas import blank_canvas


def said(figure: MatplotlibFigure) -> str:
    """All text on it, as one line."""
    return " ".join(" ".join(text.get_text() for text in figure.texts).split())


def test_a_plot_has_the_size_that_was_asked_for() -> None:
    """A plot has its size in inches however many notes there are, and lies above them."""
    for notes in ([], ["word " * 200] * 3):
        canvas = blank_canvas("title", "about", notes, tall=5)
        axes = canvas.axes(1, 0.5, 8, 4)
        width, height = canvas.figure.get_size_inches()
        box = axes.get_position()
        assert (box.width * width, box.height * height) == (pytest.approx(8), pytest.approx(4))
        assert box.y0 * height == pytest.approx(canvas.bottom + 0.5)


def test_a_long_note_is_broken_into_lines() -> None:
    """A long note is kept whole, in lines that fit, and the canvas grows by them."""
    note = " ".join(f"word{number}" for number in range(100))
    canvas = blank_canvas("title", "about", [note], tall=5)
    assert note in said(canvas.figure)
    assert canvas.figure.get_figheight() > blank_canvas("title", "about", ["short"], tall=5).figure.get_figheight()


def test_words_are_harmless() -> None:
    """Control characters are taken out of title, subtitle and notes."""
    assert said(blank_canvas("a\x1bb", "c\u202ed", ["e\x00f"], tall=1).figure) == "a b c d e f"
