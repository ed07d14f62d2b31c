"""The report of a run as Markdown, for `summary.md` and the summary page of a CI job."""

from collections.abc import Sequence

from reports.growth import scaling_text
from reports.profile import predictions
from reports.profile import text as profile_text
from reports.run import climb_text
from reports.run.climb import ClimbResult
from reports.run.columns import unit_of
from reports.run.report import RaceResult, RunReport
from reports.run.rows import Row, excuses
from reports.run.sweep import Sweep, finding, no_crossing
from reports.run.sweep_columns import sweep_columns
from reports.text.columns import Column, cells, heads
from reports.text.markdown import LIMIT, table
from reports.text.sanitize import escape_markdown, markdown_block, markdown_code

WARNINGS = 50


def render(report: RunReport) -> str:
    """The same content as the terminal's, in the same order; of a sweep also the table of each race."""
    machine = report.environment.get("machine", {})
    packages = report.environment.get("packages", {})
    lines = [f"# looprace: {escape_markdown(report.plan.run)}", ""]
    if machine:
        gpus = ", ".join(gpu["name"] for gpu in machine.get("gpus", ())) or "no GPU"
        lines += [
            escape_markdown(
                f"{machine.get('processor')}, {machine.get('cores')} cores, {gpus}; "
                f"torch {packages.get('torch')}, Python {report.environment.get('python')}"
            ),
            "",
        ]
    columns = report.columns
    legend = [(head, column.meaning) for column, head in zip(columns, heads(columns, "unit"), strict=True)]
    if report.sweep:
        lines += _sweep(report.sweep)
        legend = [(column.head, column.meaning) for column in sweep_columns(report.sweep)] + legend
    room = LIMIT - sum(len(line.encode()) + 1 for line in lines)
    races = [_race(result, columns) for result in report.races]
    for number, race in enumerate(races):
        room -= sum(len(line.encode()) + 1 for line in race)
        if room < 0:
            lines += [f"**{len(races) - number} more races have no room here: report.json holds them all.**", ""]
            break
        lines += race
    for complaint in report.complaints[:WARNINGS]:
        lines += [f"> **Not read:** {escape_markdown(complaint)}", ""]
    for warning in report.warnings[:WARNINGS]:
        lines += [f"> **{escape_markdown(warning.text)}.** {escape_markdown(warning.advice)}.", ""]
    lines += ["What the columns say:", ""]
    lines += [f"- **{head}**: {meaning}" for head, meaning in legend]
    lines += ["", f"Repeat it with {markdown_code(report.plan.command)}.", ""]
    return "\n".join(lines)


def _sweep(sweep: Sweep) -> list[str]:
    columns = sweep_columns(sweep)
    lines = [f"## {escape_markdown(sweep.title)}", ""]
    lines += [f"- {escape_markdown(finding(crossing, sweep.unit).text)}" for crossing in sweep.crossings]
    if none := no_crossing(sweep):
        lines.append(f"- {none}")
    body = [cells(columns, course) for course in sweep.courses]
    lines += ["", *table(columns, heads(columns), body, [course.work for course in sweep.courses]), ""]
    return [*lines, *_scaling(sweep)]


def _scaling(sweep: Sweep) -> list[str]:
    """What several processes cost each other; nothing where no arm has any."""
    lines = list[str]()
    for one in scaling_text.told(sweep.swept, sweep.scalings):
        lines += [escape_markdown(one.sentence), "", *table(one.columns, heads(one.columns), one.lines), ""]
    return lines


def _climb(climb: ClimbResult) -> list[str]:
    lines = [f"### {climb_text.HEADING}", "", escape_markdown(climb_text.summary(climb)) + ".", ""]
    if climb.steps_up:
        body = [cells(climb_text.STEP_COLUMNS, each) for each in climb.steps_up]
        lines += [*table(climb_text.STEP_COLUMNS, heads(climb_text.STEP_COLUMNS), body), ""]
    return [*lines, *(f"- {escape_markdown(line)}." for line in climb_text.remarks(climb)), ""]


def _race(result: RaceResult, columns: Sequence[Column[Row]]) -> list[str]:
    rows, step = result.listed, result.step
    scale, unit = unit_of(rows)
    lines = [f"## {escape_markdown(result.race.title)}", ""]
    lines += [escape_markdown(step.summary), ""] if step and step.summary else []
    lines += [f"- {escape_markdown(each.text)}" for each in result.findings]
    if step and step.patch:
        lines += ["", escape_markdown(step.patch.title), "", *markdown_block(step.patch.text, "python")]
    body = [cells(columns, row, scale) for row in rows]
    lines += ["", *table(columns, heads(columns, unit), body, [row.group for row in rows]), ""]
    lines += [f"- {', '.join(map(markdown_code, names))}: {escape_markdown(why)}" for names, why in excuses(rows)]
    lines.append("")
    lines += _climb(result.climb) if result.climb else []
    for remarks in step.remarks if step else ():
        lines += [f"{remarks.heading}:", "", *(f"- {escape_markdown(line)}." for line in remarks.lines), ""]
    if result.profiled and result.profiled.attributions:
        lines += ["Where an update's time goes:", "", *profile_text.markdown(result.profiled.attributions)]
        lines += predictions.markdown(result.profiled.predictions)
    return lines
