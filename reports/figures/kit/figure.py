"""A figure of a report: its title, its text, and the files that it is rendered to, one for each format."""

import io
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.figure import Figure as MatplotlibFigure

from bench.results.record import Race
from reports.figures.kit import style
from reports.text.csv import safe_csv

FORMATS = ("svg", "png", "pdf", "csv")
ALWAYS = ("svg", "csv")  # a page shows the SVG; the CSV holds the numbers
_METADATA: dict[str, dict[str, None]] = {  # without a date or a version, equal figures give equal bytes
    "svg": {"Date": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Producer": None, "Creator": None},
}


@dataclass(frozen=True)
class Figure:
    """What a figure shows, for those who see it and for those who do not.

    kind           what it shows: "ladder"
    title          what there is to see, as a heading
    text           a sentence or two with the findings, for those who cannot see it
    plot           draws it with matplotlib; called under the common style when the files are first asked for
    columns, rows  the numbers that are drawn, for the CSV; times in seconds
    race           the race that it shows; None where it shows several, or none
    name           of its files, without an ending; by default its kind
    formats        to render it to, of FORMATS
    """

    kind: str
    title: str
    text: str
    plot: Callable[[], MatplotlibFigure] = field(repr=False, compare=False)
    columns: Sequence[str] = field(repr=False)
    rows: Sequence[Sequence[Any]] = field(repr=False)
    race: Race | None = None
    name: str = ""
    formats: tuple[str, ...] = ALWAYS

    def __post_init__(self) -> None:
        """Names the files after the kind where nothing else is said."""
        object.__setattr__(self, "name", self.name or self.kind)

    @cached_property
    def files(self) -> dict[str, bytes]:
        """The content of each file by its format; the same bytes for the same figure."""
        table = safe_csv(pd.DataFrame(list(self.rows), columns=list(self.columns)))
        images = render(self.plot, [name for name in self.formats if name in _METADATA])
        return {name: images[name] if name in images else table.encode() for name in self.formats}

    def in_formats(self, formats: Sequence[str]) -> "Figure":
        """The same figure in these formats, besides those that it always has."""
        return replace(self, formats=tuple(name for name in FORMATS if name in formats or name in ALWAYS))


def render(plot: Callable[[], MatplotlibFigure], formats: Sequence[str]) -> dict[str, bytes]:
    """The images in these formats, of "svg", "png" and "pdf"; the layout is computed once for all of them."""
    with matplotlib.rc_context(style.STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a reason may be in any script; the SVG keeps it
        plotted = plot()
        if plotted.get_layout_engine() is not None:
            plotted.draw_without_rendering()
            plotted.set_layout_engine("none")
        images = {name: _image(plotted, name) for name in formats}
    return images | ({"svg": adapt(images["svg"].decode()).encode()} if "svg" in images else {})


def _image(plotted: MatplotlibFigure, name: str) -> bytes:
    sink = io.BytesIO()
    plotted.savefig(sink, format=name, dpi=110, metadata=_METADATA[name])
    return sink.getvalue()


def adapt(svg: str) -> str:
    """The SVG with dark colours where the reader prefers them, and a font as wide as DejaVu where that is missing."""
    swaps = "".join(
        f'[style*="{what}: {light}"]{{{what}:{dark}!important}}'
        for light, dark in style.DARK.items()
        for what in ("fill", "stroke")
    )
    css = f"<style>@media screen and (prefers-color-scheme:dark){{{swaps}}}</style>"
    wide = svg.replace("'DejaVu Sans'", "'DejaVu Sans', Verdana, sans-serif")
    return re.sub(r"(<svg [^>]*>)", lambda match: match[0] + css, wide, count=1)
