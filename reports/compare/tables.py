"""The table of a comparison of two runs, its JSON document, and all files of its report."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import RenderableType

from bench.results.store import Store
from reports.compare import figure
from reports.compare.changes import Change, Changes
from reports.compare.environments import Difference
from reports.compare.text import doubts, findings, in_digits, missing
from reports.figures.kit.colours import Palette
from reports.html.kit import simple_page
from reports.run.rows import Row
from reports.text import chapters, numbers
from reports.text.chapters import Chapter
from reports.text.columns import NOTHING, Column, filled
from reports.text.json import estimate, of_setting

FORMAT = 1
FILE = "against.md"
STYLES = {"slower": "yellow", "faster": "green", "unresolved": "dim", "reference": "dim", "not compared": "dim"}


def _remarks(change: Change) -> str:
    return ", ".join(filter(None, ("its code" if change.code_changed else "", change.why_not)))


def _time(row: Row, scale: float) -> str:
    return numbers.estimate(row.seconds, scale) if row.seconds else NOTHING


def _ratio(row: Row) -> str:
    return "1" if row.arm.role == "reference" else numbers.estimate(row.ratio) if row.ratio else NOTHING


COLUMNS: tuple[Column[Change], ...] = (
    Column(
        "arm",
        "the file below impls/ with device and mode, or the recipe of a step",
        lambda change, _: change.name,
        right=False,
        wraps=True,
    ),
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
        "how much longer it takes; each run is measured against its own reference, so drift of the machine does not count",
        lambda change, _: in_digits(change.ratio),
    ),
    Column(
        "verdict",
        "the conclusion from that change; same: certainly within 2 %",
        lambda change, _: change.verdict,
        right=False,
        wraps=True,
        id="verdict",
    ),
    Column(
        "by the clock",
        "how much longer it takes in seconds, measured at two times, so drift of the machine counts",
        lambda change, _: in_digits(change.seconds),
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
    Column("differs", "what is not the same in both runs", lambda difference, _: difference.what, right=False),
    Column("then", "in the earlier run", lambda difference, _: difference.then, right=False, wraps=True),
    Column("now", "in this run", lambda difference, _: difference.now, right=False, wraps=True),
)


def columns_of(changes: Sequence[Change]) -> tuple[Column[Change], ...]:
    """The columns that have something to say."""
    return filled(COLUMNS, changes)


def unit_of(changes: Sequence[Change]) -> tuple[float, str]:
    """One unit for all times of the table: that of the faithful arms, where there are any."""
    rows = [row for change in changes for row in (change.then, change.now) if row.seconds]
    chosen = [row for row in rows if row.work_class == "faithful"] or rows
    return numbers.unit_for([row.seconds.value for row in chosen if row.seconds])


def chapter(changes: Changes) -> Chapter:
    """Findings, the arms that both runs have, what else differs, and doubts."""
    arms = changes.changes
    styles = ["bold red" if change.status else STYLES.get(change.verdict, "") for change in arms]
    tables = (
        chapters.table(
            "The arms of both runs, those that changed first", columns_of(arms), arms, *unit_of(arms), styles=styles
        ),
        chapters.table("What else differs", DIFFERENCE_COLUMNS, changes.differences),
    )
    return Chapter("", tuple(findings(changes)), tables, (*missing(changes), *doubts(changes)))


def render(changes: Changes, width: int) -> Iterator[RenderableType]:
    """The report for a terminal of so many characters a line."""
    return chapters.to_terminal(changes.title, [chapter(changes)], width, FILE)


def document(changes: Changes) -> dict[str, Any]:
    """The JSON document: plain dictionaries, lists, numbers and strings; None where something is not known."""
    return {
        "format": FORMAT,
        "then": changes.then,
        "now": changes.now,
        "same_machine": not changes.machine,
        "same_software": not changes.software,
        "differences": [vars(difference) for difference in changes.differences],
        "findings": list(findings(changes)),
        "doubts": list(doubts(changes)),
        "arms": [_arm(change) for change in changes.changes],
        "gone": [arm.key for arm in changes.gone],
        "new": [arm.key for arm in changes.new],
        "controls": [
            {
                "race": control.title,
                "reference": control.reference.implementation,
                "twin": estimate(control.twin),
                "reference_seconds": estimate(control.seconds),
                "reference_code_changed": control.code_changed,
            }
            for control in changes.controls
        ],
    }


def _arm(change: Change) -> dict[str, Any]:
    return {
        "label": change.key,
        "implementation": change.now.arm.implementation,
        "setting": of_setting(change.now.arm.setting),
        "verdict": change.verdict,
        "status": {"then": change.then.status, "now": change.now.status},
        "reason": change.now.reason,
        "seconds_per_update": {"then": estimate(change.then.seconds), "now": estimate(change.now.seconds)},
        "ratio": {"then": estimate(change.then.ratio), "now": estimate(change.now.ratio)},
        "change_of_ratio": estimate(change.ratio),
        "change_of_seconds": estimate(change.seconds),
        "code_changed": change.code_changed,
        "why_not": change.why_not,
    }


def write(changes: Changes, palette: Palette, out: Store, formats: Sequence[str] = ()) -> list[str]:
    """Writes against.html, .md and .json, and the figure. Returns the names of the files, first the one to open."""
    return simple_page.write(
        "against",
        changes.title,
        ["run against run"],
        [(chapter(changes), [figure.draw(changes, palette).in_formats(formats)])],
        document(changes),
        out,
    )
