"""What a race shows, in sentences: its findings, each of a kind, and the warnings about its numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bench.results import statistics
from bench.results.record import Caveat, Race
from bench.results.statistics import Estimate
from impls.contract.words import counted, grouped
from reports.run.race_records import RaceRecords
from reports.run.rows import Row
from reports.text.numbers import count, percent, percent_off, seconds, times, value

TWIN_OFF = 0.02
AGED = 1.1  # how much longer an update may take at the end of a round, for certain, before it is said
RESTLESS = 0.05  # standard deviation of a round's logarithm of the ratio, above which rounds are said to disagree

Kind = Literal[
    "fastest",
    "coarser",
    "bound",
    "processes",
    "another algorithm",
    "late start",
    "watching",
    "answers",
    "wrong answers",
    "skipped updates",
    "whose fault",
    "twin",
    "rounds",
    "crossing",
]


@dataclass(frozen=True)
class Finding:
    """One sentence about a race, without its full stop.

    interval  what stands in brackets after the statement, if anything
    rest      what follows it, with its comma or semicolon
    """

    kind: Kind
    statement: str
    interval: str = ""
    rest: str = ""

    @property
    def quieter(self) -> str:
        """What follows the statement, with the full stop; empty where nothing does."""
        return (f"({self.interval})" if self.interval else "") + f"{self.rest}." if self.interval or self.rest else ""

    @property
    def text(self) -> str:
        """The whole sentence."""
        return f"{self.statement}{' ' if self.interval else ''}{self.quieter or '.'}"


def findings(rows: Sequence[Row], twin: Estimate | None) -> Iterator[Finding]:
    """What to know of a race, most important first.

    rows  in their order
    twin  the ratio of the reference to itself
    """
    ranked = [row for row in rows if row.rank is not None]
    reference = next((row for row in ranked if row.arm.role == "reference"), None)
    fastest = next((row for row in ranked if row.work == "faithful"), None)
    if fastest and fastest.seconds and reference and reference.seconds:
        yield _fastest(fastest, reference)
    yield from _bounds(rows)
    yield from _misnamed(ranked)
    yield from _another_algorithm(ranked)
    yield from _late_starts(ranked)
    for row in ranked:
        bare = next((other for other in ranked if _is_unwatched(other, row)), None)
        if row.arm.setting.watch != "none" and bare:
            yield from _watching(row, bare)
    yield answers(rows)
    yield from of_twin(twin)


def of_twin(twin: Estimate | None) -> Iterator[Finding]:
    """By how much identical code differed, where that is known."""
    if twin and twin.low is not None and twin.high is not None:
        yield Finding(
            "twin",
            f"The reference, raced against itself, came out at {value(twin)} "
            f"({percent_off(twin.low)} to {percent_off(twin.high)}): identical code differs by that much here",
        )


def _fastest(fastest: Row, reference: Row) -> Finding:
    ratio = fastest.ratio
    if fastest.verdict != "faster" or ratio is None:
        own = f"{seconds(reference.seconds.value)} an update" if reference.seconds else ""
        if fastest.verdict == "unresolved":
            return Finding(
                "fastest", f"No arm is known to be faster than {reference.arm.name} ({own}): more rounds would tell"
            )
        return Finding("fastest", f"No arm was faster than {reference.arm.name} ({own})")
    update = f"{seconds(fastest.seconds.value)} an update" if fastest.seconds else ""
    statement = f"Fastest: {fastest.arm.name}, {update}, {times(1 / ratio.value)} as fast as {reference.arm.name}"
    if ratio.low is None or ratio.high is None:
        return Finding("fastest", statement)
    return Finding("fastest", statement, f"95 % interval {count(1 / ratio.high, 3)} to {count(1 / ratio.low, 3)}")


def _bounds(rows: Sequence[Row]) -> Iterator[Finding]:
    """How near the arms of each device come to only reading the data."""
    floors = [row for row in rows if row.group == "floor" and row.reads_data]
    devices = dict.fromkeys(row.arm.setting.device for row in floors)
    for device in devices:
        floor = next(row for row in floors if row.arm.setting.device == device)  # the fastest, for rows are in order
        faithful = [row for row in rows if row.work == "faithful" and row.arm.setting.device == device]
        bounded = [row for row in faithful if row.rank and row.floor]
        reference = next((row for row in bounded if row.arm.role == "reference"), None)
        parts = [f"the fastest faithful arm takes {times(row.floor.value)} as long" for row in bounded[:1] if row.floor]
        if reference and reference.floor and reference != bounded[0]:
            parts.append(f"{reference.arm.implementation} {times(reference.floor.value)}")
        where = f" on {device}" if len(devices) > 1 else ""
        took = seconds(floor.seconds.value if floor.seconds else None)
        least = f"Only reading the data takes {took} an update{where} ({floor.arm.implementation})"
        yield Finding("bound", f"{least}: {', '.join(parts)}" if parts else least)


def _misnamed(ranked: Sequence[Row]) -> Iterator[Finding]:
    """Which arms cannot be what they call themselves."""
    for row in ranked:
        if row.misnamed and row.floor:
            yield Finding(
                "another algorithm",
                f"{row.arm.name} calls itself faithful, and an update of it takes {times(row.floor.value)} as long as only "
                'reading its data: it cannot have read them, so it is ranked as algorithmic; write `work = "algorithmic"` '
                "in its file",
            )


def _another_algorithm(ranked: Sequence[Row]) -> Iterator[Finding]:
    own = [row for row in ranked if row.work == "algorithmic" and not row.misnamed]
    jobs = [row for row in own if row.job_seconds and row.arm.setting.watch == "none"]
    if jobs:
        best = min(jobs, key=lambda row: row.job_seconds or 0.0)
        yield Finding(
            "another algorithm",
            f"Another algorithm ({best.arm.implementation}) does the whole job of "
            f"{grouped(best.arm.setting.updates)} updates in {seconds(best.job_seconds)} once it has started; "
            "it is ranked separately, because not every update reads the data",
        )


def _late_starts(ranked: Sequence[Row]) -> Iterator[Finding]:
    """When the faithful arms that start later and run faster have caught up, where all started alone."""
    late = {
        row.arm.name: row.break_even.updates
        for row in ranked
        if row.work == "faithful" and row.break_even and row.break_even.updates and row.break_even.alone
    }
    if late:
        first = min(late, key=lambda name: late[name])
        until = f" to {count(max(late.values()), 2)}" if len(late) > 1 else ""
        yield Finding(
            "late start",
            f"{counted(len(late), 'faster arm starts', 'faster arms start')} later than the reference and catch up after "
            f"{count(late[first], 2)}{until} updates ({first} first); "
            f"the job has {grouped(ranked[0].arm.setting.updates)}",
        )


def _is_unwatched(other: Row, row: Row) -> bool:
    """Whether `other` is `row` without its watcher."""
    own, others = row.arm.setting, other.arm.setting
    same = (own.device, own.mode) == (others.device, others.mode)
    return same and other.arm.implementation == row.arm.implementation and others.watch == "none"


def _watching(row: Row, bare: Row) -> Iterator[Finding]:
    if row.job_seconds and bare.job_seconds and row.job_seconds > bare.job_seconds:
        verb = {"draw": "drawing", "loss": "reading the loss"}[row.arm.setting.watch]
        share = 1 - bare.job_seconds / row.job_seconds
        yield Finding(
            "watching",
            f"Of the {seconds(row.job_seconds)} that {row.arm.implementation} takes for the whole job when watched, "
            f"{percent(share)} is {verb} every {row.arm.setting.every} updates; "
            f"without watching it takes {seconds(bare.job_seconds)}",
        )


def answers(rows: Sequence[Row]) -> Finding:
    """Whether the answers of all arms are right; floors have no answer."""
    verified = verified_rows(rows)
    if wrong := wrong_names(rows):
        return Finding("wrong answers", f"WRONG ANSWERS: {', '.join(wrong)}; they are not ranked")
    if not verified:
        return Finding("answers", "No answers")
    return Finding("answers", f"All {len(verified)} answers agree with the float64 oracle to within rounding error")


def verified_rows(rows: Sequence[Row]) -> list[Row]:
    """The arms whose answers the referee has looked at."""
    return [row for row in rows if row.judgement and row.work != "floor"]


def wrong_names(rows: Sequence[Row]) -> list[str]:
    """The names of the arms with a wrong answer."""
    return list(dict.fromkeys(row.arm.name for row in verified_rows(rows) if row.status == "wrong"))


def warnings(race: Race, records: RaceRecords, twin: Estimate | None) -> Iterator[Caveat]:
    """What makes the numbers of a race doubtful, each with what to do about it; a closed list of codes."""
    if twin and statistics.verdict(twin) in ("faster", "slower") and abs(twin.value - 1) > TWIN_OFF:
        yield Caveat(
            code="twin_off",
            text=f"identical code differed by {100 * abs(twin.value - 1):.1f} %: smaller differences mean nothing",
            advice="repeat with --effort thorough, or on a quieter machine",
        )
    if not records[race.reference] or records[race.reference][0].status != "ok":
        yield Caveat(
            code="no_reference",
            text=f"the reference {race.reference.name} could not be measured, so there are no ratios",
            advice="choose another with --reference",
        )
    for arm in records:
        spread = _spread(list(records.logarithms(arm, race.reference).values()))
        ratio = records.ratio(arm, race.reference)
        wide = ratio is not None and ratio.half_width > RESTLESS / 2
        if arm.role == "arm" and arm.setting.watch == "none" and spread > RESTLESS and wide:
            yield Caveat(
                code="rounds_disagree",
                text=f"the rounds of {arm.name} differ by {percent(spread)} (standard deviation), so its interval is wide",
                advice="give it more time: --budget 20m",
            )
        grown = statistics.growth(records[arm]) if arm.role != "twin" else None
        flush = " (--rewrite flush_denormals)" if arm.setting.is_step else ""
        if grown and grown.low and grown.low > AGED:
            yield Caveat(
                code="slower_with_age",
                text=f"an update of {arm.name} took {percent(grown.value - 1)} longer at the end of a round than at its start",
                advice=f"look for numbers that become denormal{flush}, a list that keeps something of each update, or "
                "work that grows with the number of updates",
            )
    for code, caveats in _by_code(records).items():
        more = f" (and {len(caveats) - 1} more like it: code {code})" if len(caveats) > 1 else ""
        yield Caveat(code=code, text=caveats[0].text + more, advice=caveats[0].advice)


def _by_code(records: RaceRecords) -> dict[str, list[Caveat]]:
    """The caveats of all rounds by their codes, equal ones once: a warning is given once a code."""
    caveats: dict[str, list[Caveat]] = {}
    for caveat in dict.fromkeys(caveat for arm in records for record in records[arm] for caveat in record.caveats):
        caveats.setdefault(caveat.code, []).append(caveat)
    return caveats


def _spread(logarithms: Sequence[float]) -> float:
    """Standard deviation over rounds; 0 for fewer than two."""
    return float(np.std(logarithms, ddof=1)) if len(logarithms) > 1 else 0.0
