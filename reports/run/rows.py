"""One row for each arm of a race: estimates from its records, and its rank."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median
from typing import Any, Literal

import msgspec

from bench.results import statistics
from bench.results.record import MEASURED, RANKED, Answer, Arm, Compiler, Judgement, Race, Record, Share, Status, Word
from bench.results.statistics import Estimate
from impls.contract import Work
from impls.floors.names import FLOORS
from reports.run.race_records import RaceRecords

# An arm has the gravest status of its rounds; here the least grave is first.
_GRAVITY: tuple[Status, ...] = (
    "ok", "interrupted", "wrong", "unsupported", "unavailable", "failed", "out_of_memory", "timeout", "crashed"
)  # fmt: skip

_OLD_READ_FLOORS = "floor_read"  # old records tell a floor that only reads the data by how its name begins

# An arm of a step has the gravest answer of its rounds; here the least grave is first.
_GRAVITY_OF_ANSWERS: tuple[Word, ...] = (
    "identical", "closer", "same", "same in distribution", "coarser", "unjudged", "undecidable", "different"
)  # fmt: skip

Class = Literal["faithful", "coarser", "algorithmic", "floor"]
Group = Class | Literal["unranked"]
CLASSES: tuple[Class, ...] = ("faithful", "coarser", "algorithmic", "floor")
LEAST_OF_READING = 0.5  # of the time that only reading the data takes: a faithful update cannot take less, for certain
NOT_TRIED: tuple[Status, ...] = ("unsupported", "unavailable")  # an arm that cannot run here: nothing is wrong with it


@dataclass(frozen=True)
class BreakEven:
    """When an arm that starts later than the reference has caught up with it.

    updates  the number of updates after which it has; 0 when it starts no later and is faster; None when it is not faster
    alone    whether both cold starts were measured with nothing else starting at the same time
    """

    updates: int | None
    alone: bool


@dataclass(frozen=True)
class Row:
    """What a race measured of one arm; None for what was not measured or cannot be known.

    reads_data    whether it is a floor that only reads the data, once an update
    rank          1 for the fastest of its class; arms that the race cannot tell apart share a rank
    seconds       of one steady update, the median over laps
    mean_seconds  of one steady update, the mean over all blocks: rare pauses count
    slope         seconds by which an update grows from one update to the next; None where it does not for certain
    ratio         arm over reference, in seconds an update
    floor         faithful arm over only reading the data on the same device, in seconds an update; of a step: over the
                  slower of its floors
    break_even    of an arm that is compared with the reference, once both cold starts are known
    cold_seconds  import, build and first update together, compilation included
    cold_alone    whether nothing else was starting at the same time
    peak_bytes    the most memory that it held: on the device where that is known, else that of its process
    more_bytes    what that is more than the reference's
    answer        of an arm of a step: the gravest that the referee gave in any round
    patch         of an arm of a step: the lines that make the step what was timed
    compiled      of an arm of a step: what was compiled in its process
    share         of an arm of several processes: what the slowest one needs for its own rows of an update
    """

    arm: Arm
    work: Work
    reads_data: bool
    status: Status
    reason: str
    rounds: int
    rank: int | None
    seconds: Estimate | None
    mean_seconds: float | None
    slope: float | None
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
    peak_bytes: int | None
    more_bytes: int | None
    answer: Answer | None
    patch: str
    compiled: Compiler | None
    share: Share | None

    @property
    def is_step(self) -> bool:
        """Whether its workload is a step."""
        return self.arm.setting.is_step

    @property
    def rewrites(self) -> tuple[str, ...]:
        """Of an arm of a step: the rewrites of its recipe, in their order."""
        parts = self.arm.implementation.split("+") if self.is_step else []
        return tuple(part for part in parts if part != "plain" and not part.startswith("way_"))

    @property
    def work_class(self) -> Class:
        """The class with which it is ranked, if it is ranked."""
        return "coarser" if self.answer and self.answer.word == "coarser" and self.work == "faithful" else self.work

    @property
    def judged(self) -> bool:
        """Whether its answer allows a rank. That of a step's reference is what the others are compared with."""
        if not self.is_step or self.arm.role == "reference" or self.work == "floor":
            return True
        return self.answer is not None and self.answer.word in RANKED

    @property
    def bits_lost(self) -> float | None:
        """What its answer lost in float32, in the worst tensor: in single numbers or in a common factor."""
        answer = self.answer
        known = [bits for bits in (answer.bits_lost, answer.scale_bits) if bits is not None] if answer else []
        return max(known, default=None)

    @property
    def final_loss(self) -> float | None:
        """The loss at the end of the whole job; None where that was not done."""
        return self.judgement.loss if self.judgement and self.judgement.when == "job" else None

    @property
    def misnamed(self) -> bool:
        """Whether it calls itself faithful, and is so fast that it cannot have read its data in every update."""
        return self.work == "algorithmic" and self.floor is not None

    @property
    def mean_stands_out(self) -> bool:
        """Whether the mean lies outside of the median's interval: then there were rare pauses."""
        if self.seconds is None or self.mean_seconds is None or self.seconds.low is None or self.seconds.high is None:
            return False
        return not self.seconds.low <= self.mean_seconds <= self.seconds.high

    @property
    def verdict(self) -> str:
        """faster, slower, same or unresolved against the reference; for others their status, answer or what they are."""
        if self.status != "ok":
            return self.status
        if not self.judged:
            return self.answer.word if self.answer else "unjudged"
        if self.work == "floor":
            return "floor"
        if self.arm.role == "reference":
            return "reference"
        return statistics.verdict(self.ratio)

    @property
    def group(self) -> Group:
        """The class with which the arm is listed; "unranked" for an arm that is wrong, not judged, or has no time."""
        return self.work_class if self.status == "ok" and self.seconds and self.judged else "unranked"


def worst(records: Sequence[Record]) -> tuple[Status, str]:
    """The gravest status of an arm's rounds, and the reason that was recorded with it; interrupted ones say nothing of it."""
    if not records:
        return "interrupted", "the run ended before its first round was over"
    own = [record for record in records if record.status != "interrupted"] or records
    gravest = max(own, key=lambda record: _GRAVITY.index(record.status))
    return gravest.status, gravest.reason


def spoken_verdict(verdict: str) -> str:
    """A verdict in words."""
    return "not judged" if verdict == "unjudged" else verdict.replace("_", " ")


def excuses(rows: Iterable[Row]) -> list[tuple[list[str], str]]:
    """Why rows have no time or no rank: each status with its reason once, and the names of the arms that share it.

    Of a wrong answer to a step the findings tell, tensor by tensor.
    """
    names: dict[str, list[str]] = {}
    for row in rows:
        if (why := unranked_reason(row)) and not (row.is_step and row.status == "wrong"):
            names.setdefault(f"{spoken_verdict(row.verdict)}: {why}", []).append(row.arm.name)
    return [(arms, reason) for reason, arms in names.items()]


def unranked_reason(row: Row) -> str:
    """Why a row has no time or no rank, without its status; empty where it has both or nobody said why."""
    if row.status != "ok":
        return row.reason
    if row.judged or row.seconds is None:
        return ""
    if row.answer is None:
        return "its answer was not judged"
    return ": ".join(filter(None, [row.answer.tensor, row.answer.reason or "the referee gave no reason"]))


def rows_of(race: Race, records: RaceRecords) -> tuple[Row, ...]:
    """The ranked rows of all arms of a race but its twin."""
    floors = floors_of_step(records) if race.reference.setting.is_step else read_floors(records)
    arms = [arm for arm in race.arms if arm.role != "twin"]
    return tuple(
        ranked([row_of(arm, race.reference, records, floors.get(arm.setting.device)) for arm in arms], records)
    )


def read_floors(records: RaceRecords) -> dict[str, Arm]:
    """By device, the arm that only reads the data; the fastest, where there are several."""
    fastest: dict[str, tuple[float, Arm]] = {}
    for arm in records:
        seconds = statistics.seconds_per_update(records[arm])
        if seconds and all(record.status == "ok" and _reads_data(record) for record in records[arm]):
            device = arm.setting.device
            if device not in fastest or seconds.value < fastest[device][0]:
                fastest[device] = (seconds.value, arm)
    return {device: arm for device, (_, arm) in fastest.items()}


def floors_of_step(records: RaceRecords) -> dict[str, Arm]:
    """By device, the slowest of a step's own floors: an update makes its products and touches its memory."""
    slowest: dict[str, tuple[float, Arm]] = {}
    for arm, own in records.items():
        seconds, device = statistics.seconds_per_update(own), arm.setting.device
        whole = arm.implementation in FLOORS and all(record.status == "ok" for record in own)
        if seconds and whole and (device not in slowest or seconds.value > slowest[device][0]):
            slowest[device] = (seconds.value, arm)
    return {device: arm for device, (_, arm) in slowest.items()}


def row_of(arm: Arm, reference: Arm, records: RaceRecords, read_floor: Arm | None = None) -> Row:
    """The row of an arm, without a rank.

    read_floor  the arm that only reads the data, on the same device; of a step, the slower of its floors
    """
    own = records[arm]
    status, reason = worst(own)
    first = _started(own)
    done = next((record for record in own if record.job), None)
    work = first.work if first else "faithful"
    bounded = work == "faithful" and status in MEASURED
    compared = work != "floor" and status == "ok" and arm.role != "reference"
    ratio = records.ratio(arm, reference)
    floor = records.ratio(arm, read_floor) if bounded and read_floor else None
    in_order = not arm.setting.is_step and arm.setting.batch_rows == arm.setting.rows  # as that floor reads them
    if floor and floor.high and floor.high < LEAST_OF_READING and in_order:
        work = "algorithmic"
    row = Row(
        arm=arm,
        work=work,
        reads_data=bool(first and _reads_data(first)),
        status=status,
        reason=reason,
        rounds=sum(bool(record.blocks) for record in own),
        rank=None,
        seconds=statistics.seconds_per_update(own),
        mean_seconds=_mean_seconds(own),
        slope=_slope(own),
        ratio=ratio,
        floor=floor,
        break_even=_break_even(own, records[reference], ratio) if compared else None,
        job_seconds=done.job.seconds if done and done.job else None,
        cold_seconds=_cold(first),
        cold_alone=bool(first and first.alone),
        first_seconds=first.first_seconds if first else None,
        judgement=_telling_judgement(own),
        weights=done.job.weights if done and done.job else None,
        peak_resident_bytes=max(
            (r.peak_resident_bytes for r in _own_memory(own) if r.peak_resident_bytes), default=None
        ),
        peak_bytes=(peak := _peak(own)),
        more_bytes=peak - base if peak and (base := _peak(records[reference])) and arm.role != "reference" else None,
        answer=_telling_answer(own),
        patch=next((record.patch for record in own if record.patch), ""),
        compiled=next((record.compiler for record in reversed(own) if record.compiler), None),
        share=_slowest_share(own),
    )
    return row if row.judged else replace(row, break_even=None)


def _mean_seconds(records: Sequence[Record]) -> float | None:
    """Seconds of an update, the mean over all blocks of each round, then over rounds."""
    rounds = [fmean(record.per_update.values()) for record in records if record.blocks]
    return fmean(rounds) if rounds else None


def _slope(records: Sequence[Record]) -> float | None:
    """Seconds by which an update grows from one update to the next; None where it does not for certain.

    It is what the last third of a round's laps takes longer than the first, over the updates between their middles.
    """
    grown, seconds = statistics.growth(records), statistics.seconds_per_update(records)
    if not (grown and seconds and grown.low and grown.high) or grown.low <= 1 <= grown.high:
        return None
    apart = fmean(2 / 3 * len(record.blocks) * (record.updates_per_block or 1) for record in records if record.blocks)
    return (grown.value - 1) * seconds.value / apart


def _peak(records: Sequence[Record]) -> int | None:
    """The most memory that an arm held in any round: on the device where that is known, else that of its process."""
    own = _own_memory(records)
    return max(filter(None, (each.peak_device_bytes or each.peak_resident_bytes for each in own)), default=None)


def _own_memory(records: Sequence[Record]) -> Sequence[Record]:
    """The records of processes that began by themselves, where there are any: forked ones share memory with a server."""
    return [record for record in records if not record.forked] or records


def _slowest_share(records: Sequence[Record]) -> Share | None:
    """What the slowest of several processes needs for its rows, the median over rounds."""
    slowest = [max(record.shares, key=lambda share: share.seconds) for record in records if record.shares]
    return Share(rows=slowest[0].rows, seconds=median(share.seconds for share in slowest)) if slowest else None


def _telling_answer(records: Sequence[Record]) -> Answer | None:
    """The gravest answer of all rounds; of equal ones that which lost most bits, with the audits and skipped updates of all."""
    answers = [record.answer for record in records if record.answer]
    telling = max(answers, key=lambda a: (_GRAVITY_OF_ANSWERS.index(a.word), a.bits_lost or 0.0), default=None)
    if telling is None or telling.word == "different":
        return telling
    audits = sorted({updates for answer in answers for updates in answer.audits})
    return msgspec.structs.replace(telling, audits=tuple(audits), skipped=sum(answer.skipped for answer in answers))


def _reads_data(record: Record) -> bool:
    if record.work != "floor" or record.reads_data is not None:
        return bool(record.reads_data)
    return record.arm.implementation.partition("/")[2].startswith(_OLD_READ_FLOORS)


def _started(records: Sequence[Record]) -> Record | None:
    """The first round in which the arm came to its first update."""
    return next((record for record in records if record.first_seconds is not None), None)


def _cold(first: Record | None) -> float | None:
    if first is None or None in (parts := (first.import_seconds, first.build_seconds, first.first_seconds)):
        return None
    return sum(part for part in parts if part is not None)


def _break_even(records: Sequence[Record], reference: Sequence[Record], ratio: Estimate | None) -> BreakEven | None:
    """What the start costs more, over what an update costs less, by the paired ratio: no drift can turn its sign."""
    first, first_of_reference = _started(records), _started(reference)
    late, early = _cold(first), _cold(first_of_reference)
    update = statistics.seconds_per_update(reference)
    verdict = statistics.verdict(ratio)
    if (
        not (first and first_of_reference and update and ratio)
        or late is None
        or early is None
        or verdict == "unresolved"
    ):
        return None
    updates = math.ceil((late - early) / (update.value * (1 - ratio.value))) if verdict == "faster" else None
    return BreakEven(None if updates is None else max(0, updates), alone=first.alone and first_of_reference.alone)


def _telling_judgement(records: Sequence[Record]) -> Judgement | None:
    """The first fault that the referee found; else its judgement of the job; else its last one."""
    judgements = [judgement for record in records for judgement in record.judgements]
    for telling in (lambda j: j.fault is not None, lambda j: j.when == "job"):
        for judgement in judgements:
            if telling(judgement):
                return judgement
    return judgements[-1] if judgements else None


def ranked(rows: Sequence[Row], records: RaceRecords) -> list[Row]:
    """Fastest first in each class, then the floors, which have no rank, then the rest, the least grave first.

    A row shares the rank of the row that leads it, unless it is slower than that one.
    """
    ordered: list[Row] = []
    for name in CLASSES:
        group = [row for row in rows if row.group == name]
        group.sort(key=lambda row: row.seconds.value if row.seconds else 0.0)
        leader: Row | None = None
        rank = 0
        for place, row in enumerate(group, start=1):
            distance = records.ratio(row.arm, leader.arm) if leader else None
            if distance is None or statistics.verdict(distance) == "slower":
                leader, rank = row, place
            ordered.append(row if name == "floor" else replace(row, rank=rank))
    rest = [row for row in rows if row.group == "unranked"]
    return ordered + sorted(rest, key=lambda row: _GRAVITY.index(row.status))
