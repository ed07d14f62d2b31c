"""One row for each arm of a race: estimates from its records, and its rank. Apart from what is said about them."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from bench.results import statistics
from bench.results.record import MEASURED, Arm, Judgement, Record, Status
from bench.results.statistics import Estimate
from impls.contract import Work

# The worst that any round saw is what an arm is called; the order says what is worse.
_GRAVITY: tuple[Status, ...] = (
    "ok", "interrupted", "wrong", "unsupported", "unavailable", "failed", "out_of_memory", "timeout", "crashed"
)  # fmt: skip

READ_FLOOR = "floor_read"  # how the name of an implementation begins that only reads the data, once an update

Group = Literal["faithful", "algorithmic", "floor", "unranked"]


@dataclass(frozen=True)
class BreakEven:
    """When a slower start has paid for itself against the reference.

    updates  after so many it has caught up; 0 when it starts no later and is faster; None for never: it is not faster
    alone    whether both cold starts were measured with nothing else starting at the same time
    """

    updates: int | None
    alone: bool


@dataclass(frozen=True)
class Row:
    """One arm. None stands for what was not measured, or cannot be said.

    rank          1 for the fastest of its class; arms that the race cannot tell apart share a rank
    seconds       one steady update
    ratio         arm over reference, in seconds an update
    floor         faithful arm over only reading the data on the same device, in seconds an update
    break_even    of an arm that may be compared with the reference, once both cold starts are known
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
    floor: Estimate | None
    break_even: BreakEven | None
    job_seconds: float | None
    cold_seconds: float | None
    cold_alone: bool
    first_seconds: float | None
    judgement: Judgement | None
    weights: dict[str, Any] | None
    peak_resident_bytes: int | None

    @property
    def verdict(self) -> str:
        """faster, slower, same or unresolved against the reference; else why it is not compared with it."""
        if self.status != "ok":
            return self.status
        if self.work == "floor":
            return "floor"
        if self.arm.role == "reference":
            return "reference"
        return statistics.verdict(self.ratio)

    @property
    def group(self) -> Group:
        """The class that it is listed with; "unranked" for arms that are wrong, or without a time."""
        return self.work if self.status == "ok" and self.seconds else "unranked"


def by_arm(records: Iterable[Record]) -> dict[Arm, list[Record]]:
    """The records of each arm that has any, in the order in which they come."""
    found: dict[Arm, list[Record]] = {}
    for record in records:
        found.setdefault(record.arm, []).append(record)
    return found


def worst(records: Sequence[Record]) -> tuple[Status, str]:
    """The gravest status that any round saw of an arm, and its reason."""
    if not records:
        return "interrupted", "the run ended before its first round was over"
    found = max(records, key=lambda record: _GRAVITY.index(record.status))
    return found.status, found.reason


def excused(rows: Iterable[Row]) -> list[tuple[list[str], str]]:
    """Why rows have no time, or no rank: each status with its reason once, and the names of the arms that share it."""
    found: dict[str, list[str]] = {}
    for row in rows:
        if row.reason and row.status != "ok":
            found.setdefault(f"{row.status.replace('_', ' ')}: {row.reason}", []).append(row.arm.name)
    return [(names, why) for why, names in found.items()]


def is_read_floor(arm: Arm) -> bool:
    """Whether by its name an arm does nothing but read the data, once an update."""
    return arm.implementation.partition("/")[2].startswith(READ_FLOOR)


def read_floors(records: Mapping[Arm, Sequence[Record]]) -> dict[str, Sequence[Record]]:
    """For each device what was seen of the arm that only reads the data; of the fastest, where several do."""
    found: dict[str, tuple[float, Sequence[Record]]] = {}
    for arm, mine in records.items():
        seconds = statistics.seconds_per_update(mine)
        right = all(record.status == "ok" and record.work == "floor" for record in mine)
        if seconds and right and is_read_floor(arm):
            device = arm.setting.device
            if device not in found or seconds.value < found[device][0]:
                found[device] = (seconds.value, mine)
    return {device: mine for device, (_, mine) in found.items()}


def row_of(arm: Arm, records: Sequence[Record], reference: Sequence[Record], read_floor: Sequence[Record] = ()) -> Row:
    """What the records of an arm say, without a rank yet.

    read_floor  what was seen of the arm that only reads the data, on the same device
    """
    status, reason = worst(records)
    first = _started(records)
    done = next((record for record in records if record.job), None)
    work = first.work if first else "faithful"
    bounded = work == "faithful" and status in MEASURED
    compared = work != "floor" and status == "ok" and arm.role != "reference"
    ratio = statistics.ratio(records, reference)
    return Row(
        arm=arm,
        work=work,
        status=status,
        reason=reason,
        rounds=sum(bool(record.blocks) for record in records),
        rank=None,
        seconds=statistics.seconds_per_update(records),
        ratio=ratio,
        floor=statistics.ratio(records, read_floor) if bounded else None,
        break_even=_break_even(records, reference, ratio) if compared else None,
        job_seconds=done.job.seconds if done and done.job else None,
        cold_seconds=_cold(first),
        cold_alone=bool(first and first.alone),
        first_seconds=first.first_seconds if first else None,
        judgement=_telling(records),
        weights=done.job.weights if done and done.job else None,
        peak_resident_bytes=max((r.peak_resident_bytes for r in records if r.peak_resident_bytes), default=None),
    )


def _started(records: Sequence[Record]) -> Record | None:
    """The first round in which the arm came to its first update."""
    return next((record for record in records if record.first_seconds is not None), None)


def _cold(first: Record | None) -> float | None:
    if first is None or None in (parts := (first.import_seconds, first.build_seconds, first.first_seconds)):
        return None
    return sum(part for part in parts if part is not None)


def _break_even(records: Sequence[Record], reference: Sequence[Record], ratio: Estimate | None) -> BreakEven | None:
    """What the start costs more, over what an update costs less; by the paired ratio, whose sign no drift turns."""
    mine, its = _started(records), _started(reference)
    late, early = _cold(mine), _cold(its)
    each = statistics.seconds_per_update(reference)
    verdict = statistics.verdict(ratio)
    if not (mine and its and each and ratio) or late is None or early is None or verdict == "unresolved":
        return None
    updates = math.ceil((late - early) / (each.value * (1 - ratio.value))) if verdict == "faster" else None
    return BreakEven(None if updates is None else max(0, updates), alone=mine.alone and its.alone)


def _telling(records: Sequence[Record]) -> Judgement | None:
    """The first fault the referee found; else what it said of the job; else its last word."""
    found = [judgement for record in records for judgement in record.judgements]
    for wanted in (lambda j: j.fault is not None, lambda j: j.when == "job"):
        for judgement in found:
            if wanted(judgement):
                return judgement
    return found[-1] if found else None


def ranked(rows: Sequence[Row], records: Mapping[Arm, Sequence[Record]]) -> list[Row]:
    """Fastest first in each class, then the floors, which have no rank, then the rest, the least grave first.

    A row is ranked behind the one that leads those of its rank when it is slower than that.
    """
    placed: list[Row] = []
    for work in ("faithful", "algorithmic", "floor"):
        able = [row for row in rows if row.group == work]
        able.sort(key=lambda row: row.seconds.value if row.seconds else 0.0)
        leader: Row | None = None
        rank = 0
        for place, row in enumerate(able, start=1):
            apart = statistics.ratio(records[row.arm], records[leader.arm]) if leader else None
            if apart is None or statistics.verdict(apart) == "slower":
                leader, rank = row, place
            placed.append(row if work == "floor" else replace(row, rank=rank))
    rest = [row for row in rows if row.group == "unranked"]
    return placed + sorted(rest, key=lambda row: _GRAVITY.index(row.status))
