"""A figure in every format people ask for, with its numbers and its words. Apart so that all pictures come out alike."""

import io
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.figure import Figure

from reports.figures.kit import style
from reports.text.csv import safe_csv

_METADATA: dict[str, dict[str, None]] = {
    "svg": {"Date": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Producer": None, "Creator": None},
}


@dataclass(frozen=True)
class Picture:
    """What a picture shows, for those who see it and for those who do not.

    name     of its files, without an ending: "ladder"
    title    what there is to see, as a heading
    text     the same for who cannot see it: a sentence or two with what it says
    files    {"svg": ..., "png": ..., "pdf": ..., "csv": ...}; the CSV holds the numbers that are drawn
    """

    name: str
    title: str
    text: str
    files: dict[str, bytes]


def picture(
    name: str,
    title: str,
    text: str,
    figure: Callable[[], Figure],
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
) -> Picture:
    """The picture of a figure that is made under the common style; the same bytes for the same figure.

    columns, rows  of the CSV; times in seconds
    """
    table = safe_csv(pd.DataFrame(list(rows), columns=list(columns)))
    return Picture(name, title, text, {**drawn(figure), "csv": table.encode()})


def drawn(figure: Callable[[], Figure]) -> dict[str, bytes]:
    """{"svg": ..., "png": ..., "pdf": ...}; its layout is computed once for all of them."""
    with matplotlib.rc_context(style.STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a reason may be in any script; the SVG keeps it
        made = figure()
        if made.get_layout_engine() is not None:
            made.draw_without_rendering()
            made.set_layout_engine("none")
        files = {kind: _bytes(made, kind) for kind in _METADATA}
    return files | {"svg": adapted(files["svg"].decode()).encode()}


def _bytes(figure: Figure, kind: str) -> bytes:
    sink = io.BytesIO()
    figure.savefig(sink, format=kind, dpi=110, metadata=_METADATA[kind])
    return sink.getvalue()


def adapted(svg: str) -> str:
    """The SVG in dark colours where the reader prefers them, and in a font as wide as DejaVu where that is missing."""
    swaps = "".join(
        f'[style*="{what}: {light}"]{{{what}:{dark}!important}}'
        for light, dark in style.DARK.items()
        for what in ("fill", "stroke")
    )
    sheet = f"<style>@media screen and (prefers-color-scheme:dark){{{swaps}}}</style>"
    wide = svg.replace("'DejaVu Sans'", "'DejaVu Sans', Verdana, sans-serif")
    return re.sub(r"(<svg [^>]*>)", lambda found: found[0] + sheet, wide, count=1)
