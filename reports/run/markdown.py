"""A comparison as Markdown, for `summary.md` and the summary page of a CI job, which takes no more than a MiB."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from bench.results.record import Race
from reports.run.columns import Column, cells, columns_of, growth_columns, headed, heads, unit_of
from reports.run.comparison import Comparison, RaceResult
from reports.run.rows import Row, excused
from reports.run.sweep import Growth, overtaking, sentence
from reports.text.numbers import plain

T = TypeVar("T")

LIMIT = 900_000  # bytes of races; a job's summary on GitHub may have 1 024 KiB in all, and is dropped when it has more
WARNINGS = 50


def render(
    comparison: Comparison, complaints: Sequence[str] = (), spent: Mapping[Race, Sequence[str]] | None = None
) -> str:
    """The same content as the terminal's, in the same order; of a sweep also the table of each race.

    complaints  of what could not be read
    spent       lines on where the time goes, of each race that was profiled
    """
    machine = comparison.environment.get("machine", {})
    packages = comparison.environment.get("packages", {})
    lines = [f"# looprace: {comparison.plan.run}", ""]
    if machine:
        gpus = ", ".join(gpu["name"] for gpu in machine.get("gpus", ())) or "no GPU"
        lines += [
            escape(
                f"{machine.get('processor')}, {machine.get('cores')} cores, {gpus}; "
                f"torch {packages.get('torch')}, Python {comparison.environment.get('python')}"
            ),
            "",
        ]
    columns = columns_of(row for result in comparison.races for row in result.rows)
    legend = [(head, column.meaning) for column, head in zip(columns, heads(columns, "unit"), strict=True)]
    if comparison.growth:
        lines += _growth(comparison.growth)
        grown = growth_columns(comparison.growth)
        legend = [(column.head, column.meaning) for column in grown] + legend
    room = LIMIT - sum(len(line.encode()) + 1 for line in lines)
    races = [[*_race(result, columns), *(spent or {}).get(result.race, ())] for result in comparison.races]
    for number, race in enumerate(races):
        room -= sum(len(line.encode()) + 1 for line in race)
        if room < 0:
            lines += [f"**{len(races) - number} more races have no room here: report.json holds them all.**", ""]
            break
        lines += race
    for complaint in complaints[:WARNINGS]:
        lines += [f"> **Not read:** {escape(complaint)}", ""]
    for warning in comparison.warnings[:WARNINGS]:
        lines += [f"> **{escape(warning.text)}.** {escape(warning.advice)}.", ""]
    lines += ["What the columns say:", ""]
    lines += [f"- **{head}**: {meaning}" for head, meaning in legend]
    lines += ["", f"Repeat it with {_code(comparison.plan.command)}.", ""]
    return "\n".join(lines)


def _growth(growth: Growth) -> list[str]:
    columns = growth_columns(growth)
    lines = [f"## {escape(growth.title)}", ""]
    lines += [f"- {escape(sentence(crossing, growth.swept))}." for crossing in growth.crossings]
    if none := overtaking(growth):
        lines.append(f"- {none}")
    body = [cells(columns, course) for course in growth.courses]
    return [*lines, "", *table(columns, heads(columns), body, [course.work for course in growth.courses]), ""]


def _race(result: RaceResult, columns: Sequence[Column[Row]]) -> list[str]:
    scale, unit = unit_of(result.rows)
    lines = [f"## {escape(result.race.title)}", ""]
    lines += [f"- {escape(finding)}" for finding in result.findings]
    body = [cells(columns, row, scale) for row in result.rows]
    lines += ["", *table(columns, heads(columns, unit), body, [row.group for row in result.rows]), ""]
    lines += [f"- {', '.join(map(_code, names))}: {escape(why)}" for names, why in excused(result.rows)]
    return [*lines, ""]


def table(
    columns: Sequence[Column[T]], titles: Sequence[str], body: Sequence[Sequence[str]], groups: Sequence[str] = ()
) -> Iterator[str]:
    """The lines of a table, with the headings of the groups of its rows."""
    first_left = next(place for place, column in enumerate(columns) if not column.right)
    yield "| " + " | ".join(titles) + " |"
    yield "|" + "|".join("---:" if column.right else "---" for column in columns) + "|"
    for line, heading in zip(body, headed(groups) or [""] * len(body), strict=True):
        if heading:
            yield "| " * first_left + f"| *{heading}* " + "| " * (len(columns) - first_left - 1) + "|"
        yield "| " + " | ".join(map(escape, line)) + " |"


def _code(text: str) -> str:
    """Text as code; one more backtick around it than it has in a row."""
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    pad = " " if "`" in text else ""
    return f"{fence}{pad}{plain(text)}{pad}{fence}"


def escape(text: str) -> str:
    """Text that Markdown and HTML leave alone."""
    for old, new in (
        ("\\", "\\\\"),
        ("&", "&amp;"),
        ("<", "&lt;"),
        (">", "&gt;"),
        ("|", "\\|"),
        ("`", "\\`"),
        ("*", "\\*"),
        ("[", "\\["),
        ("]", "\\]"),
        ("_", "\\_"),
    ):
        text = text.replace(old, new)
    return plain(text)
