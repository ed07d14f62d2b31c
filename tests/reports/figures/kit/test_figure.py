"""A figure has files in every format, the same bytes each time, colours for light and dark, and its numbers as CSV."""

import io
import xml.etree.ElementTree as ElementTree

import pandas as pd
from matplotlib.figure import Figure as MatplotlibFigure

from reports.figures.kit.figure import FORMATS, Figure
from reports.figures.kit.style import DARK, INK


def plain_figure() -> MatplotlibFigure:
    """A line, and a title that looks like markup, a formula and mathematics."""
    figure = MatplotlibFigure(figsize=(4, 3), layout="constrained")
    figure.add_subplot().plot([1, 2], [3, 4], color=INK)
    figure.suptitle("<b>=SUM(A1)$x$ \N{CJK UNIFIED IDEOGRAPH-4E2D}")
    return figure


def made() -> Figure:
    """A figure of it."""
    return Figure("line", "A line", "It rises.", plain_figure, ("name", "value"), [("=1+1", 0.5), ("plain", None)])


def test_equal_figures_give_equal_bytes() -> None:
    """Every format has the same bytes twice; none holds a date."""
    assert made().in_formats(FORMATS).files == made().in_formats(FORMATS).files


def test_svg_and_csv_are_always_made_and_others_where_asked_for() -> None:
    """The files stand in one order, whatever the order in which their formats are asked for."""
    assert list(made().files) == ["svg", "csv"]
    assert list(made().in_formats(["csv", "pdf", "png"]).files) == ["svg", "png", "pdf", "csv"]


def test_each_format_is_what_it_says() -> None:
    """SVG is well-formed XML, PNG and PDF begin as such files do."""
    files = made().in_formats(FORMATS).files
    assert set(files) == {"svg", "png", "pdf", "csv"}
    assert ElementTree.fromstring(files["svg"]).tag.endswith("svg")  # noqa: S314 - our own figure
    assert files["png"].startswith(b"\x89PNG")
    assert files["pdf"].startswith(b"%PDF")


def test_the_numbers_come_along() -> None:
    """The CSV can be read back, and no cell of it is a formula."""
    table = pd.read_csv(io.BytesIO(made().files["csv"]))
    assert list(table.columns) == ["name", "value"]
    assert list(table["name"]) == ["'=1+1", "plain"]


def test_dark_colours_stand_in_the_same_file() -> None:
    """One SVG serves both: where the reader prefers dark, colours are swapped; on paper they stay."""
    svg = made().files["svg"].decode()
    assert "@media screen and (prefers-color-scheme:dark)" in svg
    assert f"stroke: {INK}" in svg
    assert f"{{stroke:{DARK[INK]}!important}}" in svg


def test_text_stays_text() -> None:
    """Text in an SVG stays text, and nothing in it is taken for markup or mathematics."""
    assert "&lt;b&gt;=SUM(A1)$x$" in made().files["svg"].decode()
