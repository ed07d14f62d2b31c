"""A gate as Markdown for the summary page of a CI job, which takes at most 1 MiB: the headline first."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from reports.gate import columns
from reports.gate.summary import GateReport, Row, Tone
from reports.text import markdown
from reports.text.columns import Column, cells, heads
from reports.text.markdown import LIMIT
from reports.text.sanitize import escape_markdown

SIGNS: Mapping[Tone, str] = {"bad": "❌", "open": "⚠️", "good": "✅"}
T = TypeVar("T")

AGAIN = 20  # commands that are shown


def render(report: GateReport) -> str:
    """Headline and table; behind folds the sentences, counters, controls and sides; then the commands."""
    shown = report.shown
    lines = [f"## {SIGNS[report.tone]} {escape_markdown(report.headline)}", ""]
    lines += [f"looprace gate: {escape_markdown(report.title)}.", ""]
    lines += [*_table(shown, LIMIT // 3), ""] if shown else []
    lines += [f"- {escape_markdown(row.sentence)}." for row in shown if row.verdict.stops][: AGAIN * 2]
    details = [f"- {escape_markdown(sentence)}." for sentence in (*report.compared, *report.notes)]
    lines += _folded("What was compared, and what the controls say", [*details, "", *_sides(report)])
    lines += _folded("Arm by arm", _fitting([f"- {escape_markdown(row.sentence)}." for row in shown], LIMIT // 4))
    lines += _folded("Phase by phase", _table_of(columns.PHASES, columns.phases(report.rows), LIMIT // 8))
    lines += _folded("Counters that changed", _table_of(columns.COUNTED, columns.counters(report.rows), LIMIT // 8))
    meanings = [f"- **{column.head}**: {column.meaning}" for column in columns.arms(shown)]
    lines += _folded("What the columns say", meanings if shown else [])
    again = [row.again for row in report.rows if row.again][:AGAIN]
    lines += ["", "To repeat one arm:", "", *(f"    {command}" for command in again)] if again else []
    lines += ["", "To go on with it:", "", f"    {report.resume}"] if report.unfinished else []
    return "\n".join([*lines, ""])


def _table(shown: Sequence[Row], room: int) -> Iterator[str]:
    chosen = columns.arms(shown)
    head, rule, *body = markdown.table(chosen, heads(chosen), [cells(chosen, row) for row in shown])
    yield from (head, rule)
    yield from _fitting(body, room)


def _sides(report: GateReport) -> Iterator[str]:
    body = [cells(columns.FACTS, fact) for fact in columns.facts(report.verdict)]
    return markdown.table(columns.FACTS, heads(columns.FACTS), body)


def _table_of(chosen: Sequence[Column[T]], items: Sequence[T], room: int) -> Iterator[str]:
    """A table of items, as far as there is room; nothing where there are none."""
    if items:
        head, rule, *lines = markdown.table(chosen, heads(chosen), [cells(chosen, item) for item in items])
        yield from (head, rule)
        yield from _fitting(lines, room)


def _fitting(lines: Sequence[str], room: int) -> Iterator[str]:
    """As many of the lines as have room, and how many more there are."""
    for number, line in enumerate(lines):
        room -= len(line.encode()) + 1
        if room < 0:
            yield from ("", f"**{len(lines) - number} more have no room here: report.json holds them all.**")
            return
        yield line


def _folded(what: str, lines: Iterable[str]) -> list[str]:
    """Lines behind a fold that a reader opens; nothing where there are no lines."""
    body = list(lines)
    return ["", f"<details><summary>{what}</summary>", "", *body, "", "</details>"] if body else []
