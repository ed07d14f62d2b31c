"""What looprace and other tools survive, as Markdown."""

from collections import Counter

from bench.results.scores.faults import Faults, Survival, endings, survivals
from reports.text.sanitize import escape_markdown


def render(faults: Faults) -> str:
    """The tables of kills and of damaged files, and how they were made."""
    packages = ", ".join(f"{name} {version}" for name, version in faults.versions.items())
    lines = [
        "# What is survived",
        "",
        escape_markdown(f"{faults.machine}; {packages}."),
        "",
        "| tool | killed with SIGKILL | kills | met finished results | of these lost some | survived |",
        "|---|---|---:|---:|---:|---:|",
        *(_row(one) for one in survivals(faults.kills)),
        "",
        (
            "- Survived: every result that was finished before is there and unchanged, no half-written file is read, no "
            "process is left after ten seconds, and what was killed goes on: a run by --resume, or by itself without the arm "
            "whose process was killed. Of other tools the first of these is all that is asked."
        ),
        "- While writing: at every change to the folder of a run, and after every few bytes of a file.",
        (
            "- All others of looprace at a random moment from the start of the command on; of other tools between the first "
            "result and the end. A result of another tool is finished once it has printed it."
        ),
        "",
        "| damaged file of a run or a gate | tries | read | refused in a sentence | anything else |",
        "|---|---:|---:|---:|---:|",
        *(_damage(kind, ended) for kind, ended in endings(faults.damages).items()),
        "",
        (
            "- One file at a time has bytes changed, cut off or put in, a value replaced by a strange one, or a key left out; "
            "then all that reports make of it is made, but for pictures."
        ),
        "",
    ]
    return "\n".join(lines)


def _row(one: Survival) -> str:
    survived = f"{one.survived}"
    cells = [escape_markdown(one.tool), one.victim, str(one.kills), str(one.with_results), str(one.losing), survived]
    return "| " + " | ".join(cells) + " |"


def _damage(kind: str, ended: Counter[str]) -> str:
    read, refused = ended["read"], ended["refused"]
    cells = [escape_markdown(kind), str(ended.total()), str(read), str(refused), str(ended.total() - read - refused)]
    return "| " + " | ".join(cells) + " |"
