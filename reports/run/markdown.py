"""A comparison as Markdown, for `summary.md` and the summary page of a CI job, which takes no more than a MiB."""

from collections.abc import Mapping, Sequence

from bench.results.record import Race
from reports.run.columns import columns_of, growth_columns, unit_of
from reports.run.comparison import Comparison, RaceResult
from reports.run.rows import Row, excused
from reports.run.sweep import Growth, overtaking, sentence
from reports.text.columns import Column, cells, heads
from reports.text.markdown import LIMIT, table
from reports.text.sanitize import escape_markdown, markdown_code

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
            escape_markdown(
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
        lines += [f"> **Not read:** {escape_markdown(complaint)}", ""]
    for warning in comparison.warnings[:WARNINGS]:
        lines += [f"> **{escape_markdown(warning.text)}.** {escape_markdown(warning.advice)}.", ""]
    lines += ["What the columns say:", ""]
    lines += [f"- **{head}**: {meaning}" for head, meaning in legend]
    lines += ["", f"Repeat it with {markdown_code(comparison.plan.command)}.", ""]
    return "\n".join(lines)


def _growth(growth: Growth) -> list[str]:
    columns = growth_columns(growth)
    lines = [f"## {escape_markdown(growth.title)}", ""]
    lines += [f"- {escape_markdown(sentence(crossing, growth.swept))}." for crossing in growth.crossings]
    if none := overtaking(growth):
        lines.append(f"- {none}")
    body = [cells(columns, course) for course in growth.courses]
    return [*lines, "", *table(columns, heads(columns), body, [course.work for course in growth.courses]), ""]


def _race(result: RaceResult, columns: Sequence[Column[Row]]) -> list[str]:
    scale, unit = unit_of(result.rows)
    lines = [f"## {escape_markdown(result.race.title)}", ""]
    lines += [f"- {escape_markdown(finding)}" for finding in result.findings]
    body = [cells(columns, row, scale) for row in result.rows]
    lines += ["", *table(columns, heads(columns, unit), body, [row.group for row in result.rows]), ""]
    lines += [
        f"- {', '.join(map(markdown_code, names))}: {escape_markdown(why)}" for names, why in excused(result.rows)
    ]
    return [*lines, ""]
