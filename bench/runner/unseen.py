"""Work that the clock of a block does not see: put off, done by a thread, or on cores that an arm was not given.

Nearly always nobody meant it; but such a time is not that of the work, so it is not ranked. Each function returns the
reason in a sentence, "" where there is none.
"""

from collections.abc import Sequence
from statistics import median

from bench.messages.commands import Finished, ReadOff

A_DELAY = 0.005  # seconds that any step of an honest arm may take besides
TWICE = 2.0  # of a block's time: no honest arm works longer than its block takes, on each of its cores
BETWEEN = 0.3  # of a block: reading a command and answering it takes a hundredth


def put_off(read: ReadOff, computed: float) -> str:
    """Of reading the weights after a block that took `computed` seconds, which a second reading does not need."""
    more = read.seconds - read.again
    if more <= max(A_DELAY, computed):
        return ""
    return (
        f"it puts its updates off until somebody reads the weights: a block took {_ms(computed)}, reading what it had made "
        f"{_ms(read.seconds)}, reading that again {_ms(read.again)}; compute the updates in advance()"
    )


def of_clock(blocks: Sequence[float], worked: Sequence[float], cores: int) -> str:
    """Of blocks by the arm's own clock, and of what the kernel says that its process worked for each, warm-up left out.

    Time in which it waited for a processor is in the first and not in the second.
    """
    if not blocks or median(worked) <= TWICE * cores * median(blocks) + A_DELAY:
        return ""
    return (
        f"its blocks took {_ms(median(blocks))} by its own clock, and the kernel saw it work for {_ms(median(worked))} of "
        "each: it has replaced the clock, or does the work of a block in the untimed updates before it"
    )


def of_process(finished: Finished, blocks: Sequence[float], computes_on: Sequence[int], *, draws_ahead: bool) -> str:
    """Of what its process did besides, at the end of a round.

    blocks       seconds of each
    computes_on  the cores that it was given
    draws_ahead  whether a thread of it makes batches of later updates, as its recipe says
    """
    if blocks and finished.between > max(A_DELAY, BETWEEN * median(blocks)) and not draws_ahead:
        return (
            f"its process worked for {_ms(finished.between)} between two blocks of {_ms(median(blocks))}: wait for its "
            "threads before an update returns, for what they do later is not timed and disturbs the other arms"
        )
    if finished.cores:
        return (
            f"its threads may run on {_cores(finished.cores)}, and it was given {_cores(computes_on)}: leave the affinity "
            "of its process as it is"
        )
    return ""


def _cores(cores: Sequence[int]) -> str:
    return f"core {cores[0]}" if len(cores) == 1 else f"cores {', '.join(map(str, cores))}"


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.3g} ms"
