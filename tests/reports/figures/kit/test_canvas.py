"""A sheet's words never run over its plots, and leave them the room that was asked for."""

import pytest
from matplotlib.figure import Figure

from reports.figures.kit.canvas import sheet


def said(figure: Figure) -> str:
    """All words on it, as one line."""
    return " ".join(" ".join(text.get_text() for text in figure.texts).split())


def test_a_plot_has_the_size_that_was_asked_for() -> None:
    """In inches, however many notes there are; all of it above them."""
    for notes in ([], ["word " * 200] * 3):
        page = sheet("title", "about", notes, tall=5)
        axes = page.axes(1, 0.5, 8, 4)
        width, height = page.figure.get_size_inches()
        box = axes.get_position()
        assert (box.width * width, box.height * height) == (pytest.approx(8), pytest.approx(4))
        assert box.y0 * height == pytest.approx(page.bottom + 0.5)


def test_a_long_note_is_broken_into_lines() -> None:
    """All of it stays, in lines that fit, and the sheet grows by them."""
    note = " ".join(f"word{number}" for number in range(100))
    page = sheet("title", "about", [note], tall=5)
    assert note in said(page.figure)
    assert page.figure.get_figheight() > sheet("title", "about", ["short"], tall=5).figure.get_figheight()


def test_words_are_harmless() -> None:
    """What steers a terminal or turns the writing is taken out of title, subject and notes."""
    assert said(sheet("a\x1bb", "c\u202ed", ["e\x00f"], tall=1).figure) == "a b c d e f"
