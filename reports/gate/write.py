"""Writes every report of a gate into its folder, page included. Apart because it alone knows which formats there are."""

from typing import Protocol

from bench.results.gate import GateVerdict
from bench.results.store import pretty
from reports.figures.kit.figure import Picture
from reports.gate import columns, figure, markdown
from reports.gate.commands import repeat, resume
from reports.gate.document import document
from reports.gate.headline import compared, headline, notes, title
from reports.gate.rows import rows
from reports.gate.terminal import unfinished
from reports.gate.words import sentence
from reports.html.kit import simple_page
from reports.run.columns import Column

AGAIN: tuple[Column[tuple[str, str]], ...] = (
    Column("to do", "what for", lambda each, _: each[0], right=False, wraps=True),
    Column("command", "what to type", lambda each, _: each[1], right=False, wraps=True),
)
MOST = 40  # arms that have a sentence


class Target(Protocol):
    """Where files go: a Store."""

    def write(self, name: str, content: bytes) -> None:
        """One file, whole or not at all."""


def write(verdict: GateVerdict, out: Target) -> list[str]:
    """index.html, summary.md, report.json and figures/; gate.json is the plan's. Returns the names, first the one to open."""
    drawn = figure.draw(verdict)
    files = {
        "index.html": page(verdict, drawn),
        "summary.md": markdown.render(verdict).encode(),
        "report.json": pretty(document(verdict)),
    }
    files |= {f"figures/{drawn.name}.{kind}": content for kind, content in drawn.files.items()}
    for name, content in files.items():
        out.write(name, content)
    return list(files)


def page(verdict: GateVerdict, drawn: Picture) -> bytes:
    """The same content as a page: headline, picture, arms; then counters, what was compared, commands."""
    found = rows(verdict)
    shown = [row for row in found if row.found.word != "identical"]
    plan = verdict.plan
    typed = [(f"repeat {row.name}", repeat(plan, row.found.cell.arm)) for row in found if row.again]
    typed += [("go on", resume(plan))] if unfinished(verdict) else []
    chapters = [
        simple_page.chapter(
            "",
            [f"{sentence(row)}." for row in shown if row.telling][:MOST],
            [drawn],
            [simple_page.grid("The arms", columns.arms(shown), shown)],
        ),
        simple_page.chapter(
            "What was compared",
            [f"{said}." for said in [*compared(verdict), *notes(verdict)]],
            [],
            [
                simple_page.grid("Both sides", columns.FACTS, columns.facts(verdict)),
                simple_page.grid("Counters that changed", columns.COUNTED, columns.counters(found)),
                simple_page.grid("Commands", AGAIN, typed),
            ],
        ),
    ]
    return simple_page.render(headline(verdict), ["gate", title(verdict)], chapters)
