"""A comparison as Markdown, for `summary.md` and the summary page of a CI job."""

import re

from reports.columns import COLUMNS, cells, heads, unit_of
from reports.comparison import Comparison, RaceResult
from reports.words import plain


def render(comparison: Comparison) -> str:
    """The same content as the terminal's, in the same order."""
    machine = comparison.environment.get("machine", {})
    packages = comparison.environment.get("packages", {})
    lines = [f"# looprace: {comparison.plan.run}", ""]
    if machine:
        gpus = ", ".join(gpu["name"] for gpu in machine.get("gpus", ())) or "no GPU"
        lines += [
            _escape(
                f"{machine.get('processor')}, {machine.get('cores')} cores, {gpus}; "
                f"torch {packages.get('torch')}, Python {comparison.environment.get('python')}"
            ),
            "",
        ]
    for result in comparison.races:
        lines += _race(result)
    for warning in comparison.warnings:
        lines += [f"> **{_escape(warning.text)}.** {_escape(warning.advice)}.", ""]
    lines += ["What the columns say:", ""]
    lines += [f"- **{head}**: {column.meaning}" for column, head in zip(COLUMNS, heads("unit"), strict=True)]
    lines += ["", f"Repeat it with {_code(comparison.plan.command)}.", ""]
    return "\n".join(lines)


def _race(result: RaceResult) -> list[str]:
    scale, unit = unit_of(result.rows)
    lines = [f"## {_escape(result.race.title)}", ""]
    lines += [f"- {_escape(finding)}" for finding in result.findings]
    lines += ["", "| " + " | ".join(heads(unit)) + " |"]
    lines += ["|" + "|".join("---:" if column.right else "---" for column in COLUMNS) + "|"]
    lines += ["| " + " | ".join(map(_escape, cells(row, scale))) + " |" for row in result.rows]
    lines += [""]
    excused = [row for row in result.rows if row.reason and row.status != "ok"]
    lines += [f"- {_code(row.arm.name)}: {row.status.replace('_', ' ')}: {_escape(row.reason)}" for row in excused]
    return [*lines, ""]


def _code(text: str) -> str:
    """Text as code; one more backtick around it than it has in a row."""
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    pad = " " if "`" in text else ""
    return f"{fence}{pad}{plain(text)}{pad}{fence}"


def _escape(text: str) -> str:
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
