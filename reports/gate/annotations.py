"""A gate as workflow commands of GitHub: what it shows beside the files of a pull request. Apart: they have an escaping of
their own, https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
"""

from collections.abc import Iterator
from pathlib import PurePosixPath

from bench.results.gate import GateVerdict, Word
from reports.gate.commands import repeat
from reports.gate.headline import controls, headline
from reports.gate.rows import Row, cut, rows
from reports.gate.words import sentence

LEVELS: dict[Word, str] = {
    "regressed": "error",
    "wrong": "error",
    "failed": "error",
    "unmeasured": "error",
    "missing": "error",
    "unresolved": "warning",
    "improved": "notice",
}
MOST = 9  # GitHub shows ten of a level for each step: the last one says how many more there are


def render(verdict: GateVerdict) -> str:
    """A line each; empty where there is nothing to say."""
    return "\n".join(_lines(verdict))


def _lines(verdict: GateVerdict) -> Iterator[str]:
    if verdict.controls.vetoes:
        yield command("warning", "no clock is believed", f"{controls(verdict)}.")
    by_level: dict[str, list[Row]] = {"error": [], "warning": [], "notice": []}
    for row in rows(verdict):
        if level := LEVELS.get(row.found.word):
            by_level[level].append(row)
    if verdict.controls.vetoes:
        by_level |= {"warning": [], "notice": []}  # by the clock, all of them
    for level, found in by_level.items():
        for row in found[:MOST]:
            again = f"\nAgain: {repeat(verdict.plan, row.found.cell.arm)}" if row.again else ""
            message = f"{sentence(row)}.{again}"
            yield command(level, _title(row), message, _file(verdict, row))
        if len(found) > MOST:
            yield command(level, f"{len(found) - MOST} more", f"See the summary of this job. {headline(verdict)}")


def command(level: str, title: str, message: str, file: str = "") -> str:
    """ "::error file=impls/linear/manual.py,title=...::message": one workflow command, one line, whatever the texts hold."""
    places = {"file": file, "title": title}
    told = ",".join(f"{name}={_property(text)}" for name, text in places.items() if text)
    return f"::{level} {told}::{_data(message)}"


def _title(row: Row) -> str:
    return cut(f"{row.name}: {row.found.word}", 120)


def _file(verdict: GateVerdict, row: Row) -> str:
    """The implementation's file on the head, from the root of its repository; none where it is gone."""
    if row.found.word == "missing":
        return ""
    return str(PurePosixPath(verdict.plan.head.folder, "impls", f"{row.found.cell.arm.implementation}.py"))


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
