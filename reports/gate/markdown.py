"""A gate as Markdown, for the summary page of a CI job, which takes no more than a MiB: the headline first."""

from collections.abc import Iterator, Sequence

from bench.results.gate import GateVerdict
from reports.gate import columns
from reports.gate.commands import repeat, resume
from reports.gate.headline import compared, headline, notes, title
from reports.gate.rows import Row, rows
from reports.gate.terminal import unfinished
from reports.gate.words import sentence
from reports.run import markdown
from reports.run.columns import cells, heads
from reports.run.markdown import LIMIT, escape

SIGNS = {"regressed": "❌", "unmeasured": "❌", "wrong": "❌", "failed": "❌", "unresolved": "⚠️"}
AGAIN = 20  # commands that are shown


def render(verdict: GateVerdict) -> str:
    """Headline and table, then behind a fold: sentences, counters, controls, what was compared; then the commands."""
    found = rows(verdict)
    shown = [row for row in found if row.found.word != "identical"]
    lines = [f"## {SIGNS.get(verdict.word, '✅')} {escape(headline(verdict))}", ""]
    lines += [f"looprace gate: {escape(title(verdict))}.", ""]
    lines += [*_table(shown, LIMIT // 3), ""] if shown else []
    lines += [f"- {escape(sentence(row))}." for row in shown if row.found.stops][: AGAIN * 2]
    details = [f"- {escape(each)}." for each in [*compared(verdict), *notes(verdict)]]
    lines += [*_folded("What was compared, and what the controls say", [*details, "", *_sides(verdict)])]
    lines += _folded("Arm by arm", _fitting([f"- {escape(sentence(row))}." for row in shown], LIMIT // 4))
    lines += _folded("Counters that changed", _counters(found, LIMIT // 4))
    chosen = columns.arms(shown)
    lines += _folded(
        "What the columns say", [f"- **{column.head}**: {column.meaning}" for column in chosen] * bool(shown)
    )
    again = [repeat(verdict.plan, row.found.cell.arm) for row in found if row.again][:AGAIN]
    lines += ["", "To repeat one arm:", "", *(f"    {command}" for command in again)] if again else []
    lines += ["", "To go on with it:", "", f"    {resume(verdict.plan)}"] if unfinished(verdict) else []
    return "\n".join([*lines, ""])


def _table(shown: Sequence[Row], room: int) -> Iterator[str]:
    chosen = columns.arms(shown)
    head, rule, *body = markdown.table(chosen, heads(chosen), [cells(chosen, row) for row in shown])
    yield from (head, rule)
    yield from _fitting(body, room)


def _sides(verdict: GateVerdict) -> Iterator[str]:
    body = [cells(columns.FACTS, fact) for fact in columns.facts(verdict)]
    return markdown.table(columns.FACTS, heads(columns.FACTS), body)


def _counters(found: Sequence[Row], room: int) -> Iterator[str]:
    counted = columns.counters(found)
    if counted:
        body = [cells(columns.COUNTED, each) for each in counted]
        head, rule, *lines = markdown.table(columns.COUNTED, heads(columns.COUNTED), body)
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


def _folded(what: str, lines: Iterator[str] | Sequence[str]) -> list[str]:
    """Lines that are seen when they are asked for; none where there is none."""
    held = list(lines)
    return ["", f"<details><summary>{what}</summary>", "", *held, "", "</details>"] if held else []
