"""A gate as workflow commands of GitHub, which shows them beside the files of a pull request.

https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
"""

from collections.abc import Iterator
from pathlib import PurePosixPath

from reports.gate.summary import GateReport, Row, Tone
from reports.text.sanitize import one_line

LEVELS: dict[str, Tone] = {"error": "bad", "warning": "open", "notice": "good"}
UNREMARKABLE = "ok"  # a verdict that needs no annotation, good as it is
MOST = 9  # GitHub shows ten of a level for each step: the last one says how many more there are


def render(report: GateReport) -> str:
    """One command a line; empty where there is nothing to say."""
    return "\n".join(_lines(report))


def _lines(report: GateReport) -> Iterator[str]:
    vetoed = report.verdict.controls.vetoes
    if vetoed:
        yield command("warning", "no measured time is believed", f"{report.controls}.")
    for level, tone in LEVELS.items():
        if vetoed and level != "error":
            continue  # these rest on measured times alone
        rows = [row for row in report.rows if row.tone == tone and row.word != UNREMARKABLE]
        for row in rows[:MOST]:
            again = f"\nAgain: {row.again}" if row.again else ""
            yield command(level, _title(row), f"{row.sentence}.{again}", _file(report, row))
        if len(rows) > MOST:
            yield command(level, f"{len(rows) - MOST} more", f"See the summary of this job. {report.headline}")


def command(level: str, title: str, message: str, file: str = "") -> str:
    """ "::error file=impls/linear/manual.py,title=...::message": one workflow command, one line, whatever the texts hold."""
    places = {"file": file, "title": title}
    properties = ",".join(f"{name}={_property(text)}" for name, text in places.items() if text)
    return f"::{level} {properties}::{_data(message)}"


def _title(row: Row) -> str:
    return one_line(f"{row.name}: {row.word}", 120)


def _file(report: GateReport, row: Row) -> str:
    """The file of the step or implementation on the head, from the root of its repository; none where it is gone."""
    if row.word == "missing":
        return ""
    plan, arm = report.verdict.plan, row.verdict.cell.arm
    if arm.setting.is_step:
        return plan.head.steps.get(arm.workload, "")
    return str(PurePosixPath(plan.head.folder, "impls", f"{arm.implementation}.py"))


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
