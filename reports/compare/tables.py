"""Run against run as a table: for the screen, as Markdown, for programs. Apart from its sentences, which all of them share."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from rich.console import RenderableType
from rich.text import Text

from bench.results.store import Store, pretty
from reports.compare import figure
from reports.compare.changes import Change, Versus
from reports.compare.environments import Difference
from reports.compare.text import doubts, findings, percent
from reports.figures.kit.colours import Palette
from reports.figures.kit.figure import Figure
from reports.html.kit import simple_page
from reports.run.rows import Row
from reports.text import markdown, numbers, terminal
from reports.text.columns import NOTHING, Column, cells, heads
from reports.text.json import estimate
from reports.text.sanitize import escape_markdown, plain
from reports.text.terminal import indented

FORMAT = 1
FILE = "against.md"
MOST = 8  # arms that are named in a row
STYLES = {"slower": "yellow", "faster": "green", "unresolved": "dim", "reference": "dim", "not compared": "dim"}


def _remarks(change: Change) -> str:
    return ", ".join(filter(None, ("its code" if change.code else "", change.why_not)))


def _time(row: Row, scale: float) -> str:
    return numbers.estimate(row.seconds, scale) if row.seconds else NOTHING


def _ratio(row: Row) -> str:
    return "1" if row.arm.role == "reference" else numbers.estimate(row.ratio) if row.ratio else NOTHING


COLUMNS: tuple[Column[Change], ...] = (
    Column("arm", "the file below impls/, device and mode", lambda change, _: change.name, right=False, wraps=True),
    Column(
        "update then, {unit}",
        "time of one steady update in the earlier run, ± half its 95 % interval",
        lambda change, scale: _time(change.then, scale),
        dispensable=2,
    ),
    Column(
        "now, {unit}",
        "the same in this run",
        lambda change, scale: _time(change.now, scale),
        dispensable=1,
    ),
    Column(
        "x reference then",
        "its time over the reference's in the earlier run, paired lap by lap",
        lambda change, _: _ratio(change.then),
        dispensable=4,
    ),
    Column("x now", "the same in this run", lambda change, _: _ratio(change.now), dispensable=3),
    Column(
        "against the reference",
        "how much longer it takes, measured by the reference of its own run, so that no drift of the machine counts",
        lambda change, _: percent(change.ratio),
    ),
    Column(
        "verdict",
        "what that allows to be said; same: within 2 % for certain",
        lambda change, _: change.verdict,
        right=False,
        wraps=True,
        id="verdict",
    ),
    Column(
        "by the clock",
        "how much longer it takes in seconds, which are of two moments: drift of the machine counts",
        lambda change, _: percent(change.seconds),
        occasional=True,
        dispensable=5,
    ),
    Column(
        "what else",
        "its code: the file, or what it builds on, has changed",
        lambda change, _: _remarks(change) or NOTHING,
        right=False,
        occasional=True,
        wraps=True,
    ),
)

DIFFERENCE_COLUMNS: tuple[Column[Difference], ...] = (
    Column("differs", "what is not the same in both runs", lambda each, _: each.what, right=False),
    Column("then", "in the earlier run", lambda each, _: each.then, right=False, wraps=True),
    Column("now", "in this run", lambda each, _: each.now, right=False, wraps=True),
)


def columns_of(changes: Sequence[Change]) -> tuple[Column[Change], ...]:
    """The columns that have something to say."""
    return tuple(c for c in COLUMNS if not c.occasional or any(c.text(change, 1.0) != NOTHING for change in changes))


def unit_of(changes: Sequence[Change]) -> tuple[float, str]:
    """One unit for all times of the table: that of the faithful arms, where there are any."""
    rows = [row for change in changes for row in (change.then, change.now) if row.seconds]
    chosen = [row for row in rows if row.work == "faithful"] or rows
    return numbers.unit_for([row.seconds.value for row in chosen if row.seconds])


def differences(versus: Versus) -> tuple[Difference, ...]:
    """Everything but time in which the runs differ, what weighs most first."""
    return (*versus.machine, *versus.software, *versus.others)


def missing(versus: Versus) -> list[str]:
    """The arms that only one of them has, in sentences; the JSON document has them all."""
    told = ((versus.then, versus.gone), (versus.now, versus.new))
    return [f"Only in {run}: {_few(labels)}." for run, labels in told if labels]


def _few(labels: Sequence[str]) -> str:
    more = len(labels) - MOST
    return ", ".join(labels[:MOST]) + (f", and {more} more" if more > 0 else "")


def render(versus: Versus, width: int) -> Iterator[RenderableType]:
    """Findings, table, what differs, what the columns say, what to doubt.

    width  characters a line; columns that do not fit are left out, and named
    """
    yield Text()
    yield Text(f"{versus.now} against {versus.then}", style="bold")
    for finding in findings(versus):
        yield indented(plain(finding))
    yield Text()
    columns = columns_of(versus.changes)
    scale, unit = unit_of(versus.changes)
    body = [cells(columns, change, scale) for change in versus.changes]
    styles = ["bold red" if change.turned else STYLES.get(change.verdict, "") for change in versus.changes]
    yield from terminal.table(columns, heads(columns, unit), body, width, styles=styles, file=FILE)
    if found := differences(versus):
        yield Text()
        lines = [cells(DIFFERENCE_COLUMNS, each) for each in found]
        yield from terminal.table(DIFFERENCE_COLUMNS, heads(DIFFERENCE_COLUMNS), lines, width, file=FILE)
    yield Text()
    yield terminal.legend([(column.head.partition(",")[0], column.meaning) for column in columns])
    for said in [*missing(versus), *doubts(versus)]:
        yield Text()
        yield Text(f"! {plain(said)}", style="yellow")


def to_markdown(versus: Versus) -> str:
    """The same content in the same order; every column."""
    columns = columns_of(versus.changes)
    scale, unit = unit_of(versus.changes)
    lines = [f"# {escape_markdown(versus.now)} against {escape_markdown(versus.then)}", ""]
    lines += [f"- {escape_markdown(finding)}" for finding in findings(versus)]
    body = [cells(columns, change, scale) for change in versus.changes]
    lines += ["", *markdown.table(columns, heads(columns, unit), body), ""]
    if found := differences(versus):
        table = [cells(DIFFERENCE_COLUMNS, each) for each in found]
        lines += [*markdown.table(DIFFERENCE_COLUMNS, heads(DIFFERENCE_COLUMNS), table), ""]
    for said in [*missing(versus), *doubts(versus)]:
        lines += [f"> {escape_markdown(said)}", ""]
    lines += ["What the columns say:", ""]
    titles = heads(columns, "unit")
    lines += [f"- **{title}**: {column.meaning}" for column, title in zip(columns, titles, strict=True)]
    return "\n".join([*lines, ""])


def page(versus: Versus, drawn: Figure) -> bytes:
    """The same content as a page."""
    scale, unit = unit_of(versus.changes)
    tables = [
        simple_page.grid(
            "The arms of both runs, those that changed first", columns_of(versus.changes), versus.changes, scale, unit
        ),
        simple_page.grid("What else differs", DIFFERENCE_COLUMNS, differences(versus)),
    ]
    doubted = [*missing(versus), *doubts(versus)]
    chapter = simple_page.chapter("", list(findings(versus)), [drawn], tables, doubted)
    return simple_page.render(f"{versus.now} against {versus.then}", ["run against run"], [chapter])


def document(versus: Versus) -> dict[str, Any]:
    """For programs: plain dictionaries, lists, numbers and strings; what is not known is None."""
    return {
        "format": FORMAT,
        "then": versus.then,
        "now": versus.now,
        "same_machine": not versus.machine,
        "same_software": not versus.software,
        "differences": [{"what": each.what, "then": each.then, "now": each.now} for each in differences(versus)],
        "findings": list(findings(versus)),
        "doubts": list(doubts(versus)),
        "arms": [_arm(change) for change in versus.changes],
        "gone": list(versus.gone),
        "new": list(versus.new),
        "controls": [
            {
                "race": control.title,
                "reference": control.reference.implementation,
                "twin": estimate(control.twin),
                "reference_seconds": estimate(control.seconds),
                "reference_code_changed": control.code,
            }
            for control in versus.controls
        ],
    }


def _arm(change: Change) -> dict[str, Any]:
    return {
        "label": change.label,
        "implementation": change.now.arm.implementation,
        "setting": msgspec.to_builtins(change.now.arm.setting),
        "verdict": change.verdict,
        "status": {"then": change.then.status, "now": change.now.status},
        "reason": change.now.reason,
        "seconds_per_update": {"then": estimate(change.then.seconds), "now": estimate(change.now.seconds)},
        "ratio": {"then": estimate(change.then.ratio), "now": estimate(change.now.ratio)},
        "change_of_ratio": estimate(change.ratio),
        "change_of_seconds": estimate(change.seconds),
        "code_changed": change.code,
        "why_not": change.why_not,
    }


def write(versus: Versus, palette: Palette, out: Store) -> list[str]:
    """against.html, .md and .json, and the picture. Returns the names, first the one to open."""
    drawn = figure.draw(versus, palette)
    files = {
        "against.html": page(versus, drawn),
        FILE: to_markdown(versus).encode(),
        "against.json": pretty(document(versus)),
    }
    files |= {f"figures/{drawn.name}.{kind}": content for kind, content in drawn.files.items()}
    for name, content in files.items():
        out.write(name, content)
    return list(files)
