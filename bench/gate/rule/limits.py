"""What is held against a cell besides the change of its time: its memory, its answer, and budgets of the head alone."""

from collections.abc import Iterator, Sequence
from math import inf, isfinite
from statistics import median
from typing import Literal

from bench.results.gate import ROLES, Budget, Cell, Counts, Memory, PairedRound, Reason
from bench.results.record import Answer, Record
from bench.results.statistics import seconds_per_update

LEAST_BYTES = 1_000_000  # more memory than before is no regression below this
OF_AN_UPDATE = ("state_bytes", "peak_bytes")  # counters whose sum is the memory of an update
KEPT = ("identical", "same", "closer", "coarser")  # answers whose bits are compared


def memory(cell: Cell, counts: Counts | None, rounds: Sequence[PairedRound]) -> Memory | None:
    """The memory of an update on both sides: exact where a step's was counted; of an exact workload that of its process."""
    return _counted(counts) if cell.arm.setting.is_step else resident(rounds)


def _counted(counts: Counts | None) -> Memory | None:
    counters = [counts.counters.get(name) for name in OF_AN_UPDATE] if counts else [None]
    base, head = ([getattr(counter, role, None) or 0.0 for counter in counters] for role in ROLES)
    return Memory(base=int(sum(base)), head=int(sum(head))) if None not in counters else None


def resident(rounds: Sequence[PairedRound]) -> Memory | None:
    """The most bytes that each side's process had: the median over the rounds that have it of both."""
    pairs = [(base, head) for paired in rounds if (base := _peak(paired.base)) and (head := _peak(paired.head))]
    if not pairs:
        return None
    base, head = (int(median(values)) for values in zip(*pairs, strict=True))
    return Memory(base=base, head=head)


def _peak(record: Record) -> int | None:
    """The most memory that the arm had on its device."""
    return record.peak_device_bytes if record.arm.setting.device != "cpu" else record.peak_resident_bytes


def budgets(cell: Cell, used: Memory | None, rounds: Sequence[PairedRound], *, believed: bool) -> Iterator[Budget]:
    """The budgets of the cell that can be compared with anything.

    believed  whether measured times are
    """
    timed = seconds_per_update([paired.head for paired in rounds if _is_timed(paired.head)])
    if cell.margins.seconds is not None and timed:
        low, high = (value if believed else None for value in (timed.low, timed.high))
        yield _budget("time", cell.margins.seconds, timed.value, low, high)
    if cell.margins.bytes is not None and used:
        yield _budget("memory", cell.margins.bytes, used.head, used.head, used.head)


def _is_timed(record: Record) -> bool:
    return record.status == "ok" and all(isfinite(seconds) and seconds > 0 for seconds in record.blocks)


def _budget(
    what: Literal["time", "memory"], most: float, value: float, low: float | None, high: float | None
) -> Budget:
    kept, broken = high is not None and high <= most, low is not None and low > most
    return Budget(
        what=what,
        most=most,
        value=value,
        low=low,
        high=high,
        word="kept" if kept else "broken" if broken else "unresolved",
    )


def worse(cell: Cell, counts: Counts | None, used: Memory | None, found: Sequence[Budget]) -> Iterator[Reason]:
    """Why the cell stops a merge whatever its time: its answer first."""
    if counts and counts.answer and exceeds(counts.answer, counts.base_answer, cell.margins.bits_lost):
        yield Reason(cause="answer", what=counts.answer.word)
    if used and cell.arm.setting.is_step:
        more = used.head - used.base
        if more >= LEAST_BYTES and more > cell.margins.memory * used.base:
            yield Reason(cause="memory")
    for budget in found:
        if budget.word == "broken":
            yield Reason(cause="budget", what=budget.what)


def exceeds(answer: Answer, base: Answer | None, limit: float | None) -> bool:
    """Whether the head's update computes something else, or loses more bits than allowed beyond what the base's own loses.

    base   the base's own answer, judged like the head's, where that is not identical to the plain step's by nature
    limit  in bits; None: any answer is only told
    """
    if limit is None:
        return False
    if answer.word == "different":
        return True
    own = max(0.0, base.bits_lost or 0.0) if base and base.word in KEPT else 0.0
    return answer.word in KEPT and _bits(answer) - own > limit


def _bits(answer: Answer) -> float:
    """The bits that an answer loses; a coarser one whose bits are not known loses any number."""
    if answer.bits_lost is not None:
        return max(0.0, answer.bits_lost)
    return inf if answer.word == "coarser" else 0.0
