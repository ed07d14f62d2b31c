"""Writes every report of a gate into its folder, and lays out its page."""

from bench.results.store import pretty
from reports.figures.kit.figure import Figure
from reports.gate import columns, figure, json_document, markdown
from reports.gate.summary import GateReport
from reports.html.kit import simple_page
from reports.html.kit.simple_page import Target
from reports.text.chapters import Chapter, table
from reports.text.columns import Column

AGAIN: tuple[Column[tuple[str, str]], ...] = (
    Column("to do", "what for", lambda task, _: task[0], right=False, wraps=True),
    Column("command", "what to type", lambda task, _: task[1], right=False, wraps=True),
)
MOST = 40  # arms that have a sentence


def write(report: GateReport, out: Target) -> list[str]:
    """index.html, summary.md, report.json and figures/; gate.json is the plan's. Returns the names, first the one to open."""
    drawn = figure.draw(report)
    files = {
        "index.html": page(report, drawn),
        "summary.md": markdown.render(report).encode(),
        "report.json": pretty(json_document.document(report)),
    }
    files |= {f"figures/{drawn.name}.{kind}": content for kind, content in drawn.files.items()}
    for name, content in files.items():
        out.write(name, content)
    return list(files)


def page(report: GateReport, drawn: Figure) -> bytes:
    """The same content as a page: headline, figure, arms; then what was compared, counters, commands."""
    shown = report.shown
    commands = [(f"repeat {row.name}", row.again) for row in report.rows if row.again]
    commands += [("go on", report.resume)] if report.unfinished else []
    arms = Chapter(
        "",
        tuple(f"{row.sentence}." for row in shown if row.needs_sentence)[:MOST],
        (table("The arms", columns.arms(shown), shown),),
    )
    compared = Chapter(
        "What was compared",
        tuple(f"{sentence}." for sentence in (*report.compared, *report.notes)),
        (
            table("Both sides", columns.FACTS, columns.facts(report.verdict)),
            table("Phases of an update", columns.PHASES, columns.phases(report.rows)),
            table("Counters that changed", columns.COUNTED, columns.counters(report.rows)),
            table("Commands", AGAIN, commands),
        ),
    )
    return simple_page.render(report.headline, ["gate", report.title], [(arms, [drawn]), (compared, [])])
