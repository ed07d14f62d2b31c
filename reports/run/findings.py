"""The sentences of a report: what was found, and what to doubt. Apart from the numbers so that every report says the same."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from bench.results import statistics
from bench.results.record import Arm, Caveat, Race, Record, grouped
from bench.results.statistics import Estimate
from reports.run.rows import Row, is_read_floor
from reports.text.numbers import count, percent_off, plural, seconds, times, value

TWIN_OFF = 0.02
RESTLESS = 0.05  # spread of a round's ratio, above which rounds are said to disagree


def findings(rows: Sequence[Row], twin: Estimate | None) -> Iterable[str]:
    """What somebody who reads nothing else should know, most important first."""
    able = [row for row in rows if row.rank is not None]
    reference = next((row for row in able if row.arm.role == "reference"), None)
    fastest = next((row for row in able if row.work == "faithful"), None)
    if fastest and fastest.seconds and reference and reference.seconds:
        yield _fastest(fastest, reference)
    yield from _bounds(rows)
    yield from _another_algorithm(able)
    yield from _late_starts(able)
    for row in able:
        bare = next((other for other in able if _unwatched(other, row)), None)
        if row.arm.setting.watch != "none" and bare:
            yield from _watching(row, bare)
    yield answers(rows)
    if twin and twin.low is not None and twin.high is not None:
        yield (
            f"The reference raced against itself came out at {value(twin)} "
            f"({percent_off(twin.low)} to {percent_off(twin.high)}): that is how much identical code differs here."
        )


def _fastest(fastest: Row, reference: Row) -> str:
    each = f"{seconds(fastest.seconds.value)} an update" if fastest.seconds else ""
    ratio = fastest.ratio
    if fastest.verdict != "faster" or ratio is None:
        own = f"{seconds(reference.seconds.value)} an update" if reference.seconds else ""
        if fastest.verdict == "unresolved":
            return f"Nothing is known to be faster than {reference.arm.name}, {own}: it takes more rounds to tell."
        return f"Nothing was faster than {reference.arm.name}: {own}."
    said = f"Fastest: {fastest.arm.name}, {each}, {times(1 / ratio.value)} as fast as {reference.arm.name}"
    if ratio.low is not None and ratio.high is not None:
        said += f" (95 % interval {count(1 / ratio.high, 3)} to {count(1 / ratio.low, 3)})"
    return said + "."


def _bounds(rows: Sequence[Row]) -> Iterable[str]:
    """How near the arms of each device come to only reading the data."""
    floors = [row for row in rows if row.group == "floor" and is_read_floor(row.arm)]
    devices = dict.fromkeys(row.arm.setting.device for row in floors)
    for device in devices:
        floor = next(row for row in floors if row.arm.setting.device == device)  # the fastest, for rows are in order
        able = [row for row in rows if row.rank and row.floor and row.arm.setting.device == device]
        reference = next((row for row in able if row.arm.role == "reference"), None)
        said = [f"the fastest faithful arm takes {times(row.floor.value)} that" for row in able[:1] if row.floor]
        if reference and reference.floor and reference != able[0]:
            said.append(f"{reference.arm.implementation} {times(reference.floor.value)}")
        where = f" on {device}" if len(devices) > 1 else ""
        took = seconds(floor.seconds.value if floor.seconds else None)
        least = f"Reading the data once an update takes {took} at least{where} ({floor.arm.implementation})"
        yield f"{least}: {', '.join(said)}." if said else f"{least}."


def _another_algorithm(able: Sequence[Row]) -> Iterable[str]:
    whole = [row for row in able if row.work == "algorithmic" and row.job_seconds and row.arm.setting.watch == "none"]
    if whole:
        best = min(whole, key=lambda row: row.job_seconds or 0.0)
        yield (
            f"By another algorithm the whole job of {grouped(best.arm.setting.updates)} updates takes "
            f"{seconds(best.job_seconds)} once it has started ({best.arm.implementation}): "
            "ranked apart, for it does not read the data every update."
        )


def _late_starts(able: Sequence[Row]) -> Iterable[str]:
    """When what starts later and runs faster has caught up, where all started alone; algorithmic arms aside."""
    late = {
        row.arm.name: row.break_even.updates
        for row in able
        if row.work == "faithful" and row.break_even and row.break_even.updates and row.break_even.alone
    }
    if late:
        first = min(late, key=lambda name: late[name])
        until = f" to {count(max(late.values()), 2)}" if len(late) > 1 else ""
        arms = plural(len(late), "faster arm has", "faster arms have")
        yield (
            f"{arms} paid for a later start after {count(late[first], 2)}{until} updates ({first} first); "
            f"the job has {grouped(able[0].arm.setting.updates)}."
        )


def _unwatched(other: Row, row: Row) -> bool:
    """Whether `other` is `row` without its watcher."""
    mine, its = row.arm.setting, other.arm.setting
    same = (mine.device, mine.mode) == (its.device, its.mode)
    return same and other.arm.implementation == row.arm.implementation and its.watch == "none"


def _watching(row: Row, bare: Row) -> Iterable[str]:
    if row.job_seconds and bare.job_seconds and row.job_seconds > bare.job_seconds:
        verb = {"draw": "drawing", "loss": "reading the loss"}[row.arm.setting.watch]
        share = 1 - bare.job_seconds / row.job_seconds
        yield (
            f"Of the {seconds(row.job_seconds)} that {row.arm.implementation} takes for the whole job when watched, "
            f"{share:.0%} is {verb} every {row.arm.setting.every} updates; unwatched it takes {seconds(bare.job_seconds)}."
        )


def answers(rows: Sequence[Row]) -> str:
    """What the referee said of all of them; floors have no answer."""
    judged = [row for row in rows if row.judgement and row.work != "floor"]
    wrong = [row for row in judged if row.status == "wrong"]
    if wrong:
        return f"WRONG ANSWERS: {', '.join(dict.fromkeys(row.arm.name for row in wrong))}; they are not ranked."
    return (
        f"All {len(judged)} answers agree with the float64 oracle within what rounding explains."
        if judged
        else "No answers."
    )


def warnings(race: Race, records: Mapping[Arm, Sequence[Record]], twin: Estimate | None) -> Iterable[Caveat]:
    """What makes the numbers doubtful, each with what to do; a closed list of codes."""
    if twin and statistics.verdict(twin) in ("faster", "slower") and abs(twin.value - 1) > TWIN_OFF:
        yield Caveat(
            code="twin_off",
            text=f"identical code came out {abs(twin.value - 1):.1%} apart: smaller differences cannot be believed",
            advice="repeat with --effort thorough, or on a quieter machine",
        )
    if not records[race.reference] or records[race.reference][0].status != "ok":
        yield Caveat(
            code="no_reference",
            text=f"the reference {race.reference.name} could not be measured, so there are no ratios",
            advice="choose another with --reference",
        )
    for arm, mine in records.items():
        spread = _spread(mine, records[race.reference])
        if arm.role == "arm" and arm.setting.watch == "none" and spread > RESTLESS:
            yield Caveat(
                code="rounds_disagree",
                text=f"the rounds of {arm.name} differ by {spread:.0%} (standard deviation), so its interval is wide",
                advice="more rounds narrow it: --rounds 20",
            )
    for code, caveats in _by_code(records).items():
        more = f" (and {len(caveats) - 1} more like it: code {code})" if len(caveats) > 1 else ""
        yield Caveat(code=code, text=caveats[0].text + more, advice=caveats[0].advice)


def _by_code(records: Mapping[Arm, Sequence[Record]]) -> dict[str, list[Caveat]]:
    """What the rounds noted, each once, under its code: one kind of trouble is one warning, however often it came."""
    found: dict[str, list[Caveat]] = {}
    for caveat in dict.fromkeys(caveat for mine in records.values() for record in mine for caveat in record.caveats):
        found.setdefault(caveat.code, []).append(caveat)
    return found


def _spread(records: Sequence[Record], reference: Sequence[Record]) -> float:
    """Standard deviation over rounds of the logarithm of the ratio; 0 for fewer than two rounds."""
    logarithms = list(statistics.round_logarithms(records, reference).values())
    return float(np.std(logarithms, ddof=1)) if len(logarithms) > 1 else 0.0
