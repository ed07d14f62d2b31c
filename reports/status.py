"""A comparison as one number, the exit status. Apart because CI reads nothing else."""

from enum import IntEnum

from reports.comparison import Comparison


class Exit(IntEnum):
    """What the exit status says; the gravest of what applies, wrong answers first."""

    DONE = 0
    REGRESSION = 1
    USAGE = 2
    WRONG = 3
    FAILED = 4
    UNMEASURED = 5
    INTERRUPTED = 130


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
