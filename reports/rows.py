"""One row for each arm of a race: estimates from its records, and its rank. Apart from what is said about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bench import statistics
from bench.record import Arm, Judgement, Record, Status
from bench.statistics import Estimate
from impls.contract import Work

# The worst that any round saw is what an arm is called; the order says what is worse.
_GRAVITY: tuple[Status, ...] = (
    "ok", "interrupted", "wrong", "unsupported", "unavailable", "failed", "out_of_memory", "timeout", "crashed"
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One arm. None stands for what was not measured, or cannot be said.

    rank          1 for the fastest of its class; arms that the race cannot tell apart share a rank
    seconds       one steady update
    ratio         arm over reference, in seconds an update
    cold_seconds  import, build and first update together, compilation included
    cold_alone    whether nothing else was starting at the same time
    """

    arm: Arm
    work: Work
    status: Status
    reason: str
    rounds: int
    rank: int | None
    seconds: Estimate | None
    ratio: Estimate | None
    job_seconds: float | None
    cold_seconds: float | None
    cold_alone: bool
    first_seconds: float | None
    judgement: Judgement | None
    weights: dict[str, Any] | None
    peak_resident_bytes: int | None

    @property
    def verdict(self) -> str:
        """faster, slower, same or unresolved against the reference; its status when it has none to compare."""
        if self.status != "ok":
            return self.status
        if self.arm.role == "reference":
            return "reference"
        return statistics.verdict(self.ratio)


def row_of(arm: Arm, records: Sequence[Record], reference: Sequence[Record]) -> Row:
    """What the records of an arm say, without a rank yet."""
    worst = max(records, key=lambda record: _GRAVITY.index(record.status), default=None)
    first = next((record for record in records if record.first_seconds is not None), None)
    done = next((record for record in records if record.job), None)
    cold = None
    if first and None not in (parts := (first.import_seconds, first.build_seconds, first.first_seconds)):
        cold = sum(part for part in parts if part is not None)
    return Row(
        arm=arm,
        work=first.work if first else "faithful",
        status=worst.status if worst else "interrupted",
        reason=worst.reason if worst else "the run ended before its first round was over",
        rounds=sum(bool(record.blocks) for record in records),
        rank=None,
        seconds=statistics.seconds_per_update(records),
        ratio=statistics.ratio(records, reference),
        job_seconds=done.job.seconds if done and done.job else None,
        cold_seconds=cold,
        cold_alone=bool(first and first.alone),
        first_seconds=first.first_seconds if first else None,
        judgement=_telling(records),
        weights=done.job.weights if done and done.job else None,
        peak_resident_bytes=max((r.peak_resident_bytes for r in records if r.peak_resident_bytes), default=None),
    )


def _telling(records: Sequence[Record]) -> Judgement | None:
    """The first fault the referee found; else what it said of the job; else its last word."""
    found = [judgement for record in records for judgement in record.judgements]
    for wanted in (lambda j: j.fault is not None, lambda j: j.when == "job"):
        for judgement in found:
            if wanted(judgement):
                return judgement
    return found[-1] if found else None


def ranked(rows: Sequence[Row], records: Mapping[Arm, Sequence[Record]]) -> list[Row]:
    """Fastest first in each class; a row is ranked behind the one that leads its group when it is slower."""
    placed: list[Row] = []
    for work in ("faithful", "algorithmic"):
        able = [row for row in rows if row.work == work and row.status == "ok" and row.seconds]
        able.sort(key=lambda row: row.seconds.value if row.seconds else 0.0)
        leader: Row | None = None
        rank = 0
        for place, row in enumerate(able, start=1):
            apart = statistics.ratio(records[row.arm], records[leader.arm]) if leader else None
            if apart is None or statistics.verdict(apart) == "slower":
                leader, rank = row, place
            placed.append(replace(row, rank=rank))
    rest = [row for row in rows if row.status != "ok" or not row.seconds]
    return placed + sorted(rest, key=lambda row: _GRAVITY.index(row.status))
