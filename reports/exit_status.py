"""The exit statuses of the command line, and which of them a run or a gate ends with."""

from collections.abc import Mapping
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.results.gate import GateVerdict, Whole
    from reports.run.report import RunReport


class Exit(IntEnum):
    """The exit statuses. Of several that apply the gravest is used, wrong answers first.

    DONE         all was measured, or every regression that could be decided is none
    REGRESSION   a gate proved a slowdown
    USAGE        what was typed makes no sense; nothing was measured
    WRONG        an arm's answers are wrong, or a claim of the contract is broken
    FAILED       an arm failed, crashed, took too long or ran out of memory
    UNMEASURED   nothing could be measured: no arm can run here, a side cannot be made, the disk is full
    BROKEN       looprace itself failed; what was finished is kept
    INTERRUPTED  a person stopped it; what was finished is kept
    """

    DONE = 0
    REGRESSION = 1
    USAGE = 2
    WRONG = 3
    FAILED = 4
    UNMEASURED = 5
    BROKEN = 6
    INTERRUPTED = 130


OF_GATE: "Mapping[Whole, Exit]" = {
    "regressed": Exit.REGRESSION,
    "unmeasured": Exit.UNMEASURED,
    "wrong": Exit.WRONG,
    "failed": Exit.FAILED,
    "unresolved": Exit.DONE,  # no regression was found; the report says what is undecided
    "ok": Exit.DONE,
    "nothing to race": Exit.DONE,
}


def status_of(report: "RunReport") -> Exit:
    """The status of a run. An arm that cannot run here is no failure; a race in which only floors have a time is."""
    rows = [row for result in report.races for row in result.rows]
    if any(row.status == "wrong" for row in rows):
        return Exit.WRONG
    if not all(any(row.seconds and row.work != "floor" for row in result.rows) for result in report.races):
        return Exit.UNMEASURED
    if any(row.status in ("failed", "crashed", "timeout", "out_of_memory") for row in rows):
        return Exit.FAILED
    return Exit.DONE


def status_of_gate(verdict: "GateVerdict") -> Exit:
    """The status of a gate. Nothing measured is no success; nor are answers that are wrong on both sides."""
    return OF_GATE[verdict.word]
