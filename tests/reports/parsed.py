"""A page made of made-up records, and as a parser sees it: its elements, their attributes, and the text in them."""

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

from matplotlib.figure import Figure as MatplotlibFigure

from bench.results.store import Store
from reports.figures import ladder, sweep
from reports.figures.kit.colours import Palette
from reports.figures.kit.figure import Figure
from reports.html import run_page
from reports.run.report import RunReport

NOWHERE = Store(Path("nowhere"))
VOID = {"meta", "link", "img", "input", "br", "hr"}
INLINE = {"span", "b", "a", "code"}  # between all others there is a space to read, if none to see


class Parsed(HTMLParser):
    """Elements in their order, each with its attributes and all text that is in it; `texts` has no style and no script."""

    def __init__(self, page: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.contents: list[str] = []
        self.strays: list[str] = []
        self._open: list[int] = []
        self.feed(page.decode())
        self.close()
        assert not self._open, "an element is not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        assert len(found) == len(attrs), f"an attribute of {tag} is there twice"
        self.elements.append((tag, found))
        self.contents.append("")
        if tag not in INLINE:
            self.handle_data(" ")
        if tag not in VOID:
            self._open.append(len(self.elements) - 1)

    def handle_endtag(self, tag: str) -> None:
        place = self._open.pop()
        assert self.elements[place][0] == tag, f"{self.elements[place]} is closed by {tag}"

    def handle_data(self, data: str) -> None:
        for place in self._open:
            self.contents[place] += data

    def handle_comment(self, data: str) -> None:
        self.strays.append(data)

    def handle_pi(self, data: str) -> None:
        self.strays.append(data)

    def unknown_decl(self, data: str) -> None:
        self.strays.append(data)

    def all(self, tag: str, **attributes: str) -> list[tuple[dict[str, str], str]]:
        """The attributes and the text of every such element; `class_` for one of its classes."""
        wanted = attributes.pop("class_", None)
        return [
            (found, " ".join(text.split()))
            for (name, found), text in zip(self.elements, self.contents, strict=True)
            if name == tag
            and (wanted is None or wanted in found.get("class", "").split())
            and all(found.get(key) == value for key, value in attributes.items())
        ]

    def one(self, tag: str, **attributes: str) -> str:
        """The text of the only such element."""
        ((_, text),) = self.all(tag, **attributes)
        return text

    @property
    def text(self) -> str:
        """All text, in single spaces."""
        return self.one("body").removesuffix(self.one("script"))


def shown(report: RunReport, run: Path = Path("nowhere")) -> Parsed:
    """The page of a report, with its ladders."""
    return Parsed(run_page.render(report, drawn(report), Store(run)))


def drawn(report: RunReport) -> list[Figure]:
    """Its sweep and its ladders, named as a run names them."""
    figures = [ladder.draw(result, Palette({})) for result in report.races]
    if len(report.races) > 1:
        figures = [replace(each, name=f"ladder-{each.race.slug}") for each in figures if each.race]
    return ([sweep.draw(report.sweep, Palette({}))] if report.sweep else []) + figures


def picture(name: str, title: str = "What there is to see") -> Figure:
    """A figure of nothing."""
    return Figure(name, title, "What it says.", lambda: MatplotlibFigure(figsize=(1, 0.5)), (), ())
