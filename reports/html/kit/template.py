"""Renders a page from its template: escaping, security policy, figures.

Everything is escaped where it is inserted; a browser runs only our own style and script, identified by their hashes.
"""

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports.figures.kit.figure import Figure
from reports.text import sanitize

TEMPLATES = Path(__file__).parents[1] / "templates"


@dataclass(frozen=True)
class PlacedFigure:
    """A figure on a page: where its files lie beside the page, and its size in CSS pixels where the SVG gives one."""

    figure: Figure
    address: str
    width: int | None
    height: int | None


def placed(figure: Figure) -> PlacedFigure:
    """The figure as a page shows it."""
    size = re.search(rb'<svg [^>]*?width="([\d.]+)pt" height="([\d.]+)pt"', figure.files["svg"])
    width, height = (round(float(points) * 4 / 3) for points in size.groups()) if size else (None, None)
    return PlacedFigure(figure, f"figures/{quote(figure.name, safe='')}", width, height)


def render(template: str, title: str, page: Any, *, scripted: bool = False) -> bytes:
    """One self-contained page: the same bytes for the same values.

    title     of the browser's window
    page      what the template calls so
    scripted  whether it has our script
    """
    style, script = _asset("page.css"), _asset("page.js") if scripted else ""
    scripts = f"script-src {_hash(script)}; " if scripted else ""
    policy = (
        f"default-src 'none'; img-src data:; style-src {_hash(style)}; {scripts}base-uri 'none'; form-action 'none'"
    )
    text: str = (
        _environment()
        .get_template(template)
        .render(page=page, title=title, style=Markup(style), script=Markup(script), policy=policy)  # noqa: S704 - ours
    )
    return text.encode()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=sanitize.html_value,
    )
    environment.filters["base64"] = _base64
    return environment


@cache
def _asset(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
