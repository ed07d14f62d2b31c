"""A comparison, or a gate, as one number, the exit status. Apart because CI reads nothing else."""

from collections.abc import Mapping
from enum import IntEnum

from bench.results.gate import GateVerdict, Whole
from reports.run.comparison import Comparison


class Exit(IntEnum):
    """What the exit status says; the gravest of what applies, wrong answers first."""

    DONE = 0
    REGRESSION = 1
    USAGE = 2
    WRONG = 3
    FAILED = 4
    UNMEASURED = 5
    INTERRUPTED = 130


OF_GATE: Mapping[Whole, Exit] = {
    "regressed": Exit.REGRESSION,
    "unmeasured": Exit.UNMEASURED,
    "wrong": Exit.WRONG,
    "failed": Exit.FAILED,
    "unresolved": Exit.DONE,  # what was decided is no regression, and what was not is said in words
    "ok": Exit.DONE,
    "nothing to race": Exit.DONE,
}


def status_of(comparison: Comparison) -> Exit:
    """Arms that are unsupported or unavailable are no failure; a race without a single time but of floors is."""
    rows = [row for result in comparison.races for row in result.rows]
    if any(row.status == "wrong" for row in rows):
        return Exit.WRONG
    if not all(any(row.seconds and row.work != "floor" for row in result.rows) for result in comparison.races):
        return Exit.UNMEASURED
    if any(row.status in ("failed", "crashed", "timeout", "out_of_memory") for row in rows):
        return Exit.FAILED
    return Exit.DONE


def status_of_gate(verdict: GateVerdict) -> Exit:
    """What could not be measured is no success; answers that are wrong on both sides are no regression, and no success."""
    return OF_GATE[verdict.word]
