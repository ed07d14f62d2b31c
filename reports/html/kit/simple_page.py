"""A plain page of chapters, each with findings, figures, tables and doubts; and the files of such a report."""

from collections.abc import Sequence
from typing import Any, Protocol

from bench.results.store import pretty
from reports.figures.kit.figure import Figure
from reports.html.kit import template
from reports.text.chapters import Chapter, to_markdown


class Target(Protocol):
    """Where files go: a Store."""

    def write(self, name: str, content: bytes) -> None:
        """One file, whole or not at all."""


def render(title: str, about: Sequence[str], chapters: Sequence[tuple[Chapter, Sequence[Figure]]]) -> bytes:
    """The page; the same bytes for the same chapters. Tables without a row are left out.

    about     a few words each: what the page is about
    chapters  each with its figures
    """
    shown = [
        {
            "heading": chapter.heading,
            "findings": chapter.findings,
            "figures": [template.placed(figure) for figure in figures],
            "tables": [table for table in chapter.tables if table.body],
            "doubts": chapter.doubts,
        }
        for chapter, figures in chapters
    ]
    meanings = {
        title: column.meaning
        for chapter, _ in chapters
        for table in chapter.tables
        if table.body
        for title, column in zip(table.titles, table.columns, strict=True)
    }
    page = {"about": list(about), "chapters": shown, "legend": list(meanings.items())}
    return template.render("simple_page.html", title, page)


def write(
    name: str,
    title: str,
    about: Sequence[str],
    chapters: Sequence[tuple[Chapter, Sequence[Figure]]],
    document: Any,
    out: Target,
    others: Sequence[tuple[str, bytes]] = (),
) -> list[str]:
    """Writes name.html, name.md, name.json, the figures and other files. Returns their names, first the one to open."""
    files = {
        f"{name}.html": render(title, about, chapters),
        f"{name}.md": to_markdown(title, [chapter for chapter, _ in chapters]).encode(),
        f"{name}.json": pretty(document),
        **dict(others),
    }
    for _, figures in chapters:
        for figure in figures:
            files |= {f"figures/{figure.name}.{ending}": content for ending, content in figure.files.items()}
    for path, content in files.items():
        out.write(path, content)
    return list(files)
