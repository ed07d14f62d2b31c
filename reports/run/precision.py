"""How well the ratios of a race are known, and what more rounds would tell."""

import math
from collections.abc import Sequence
from statistics import median, stdev

from bench.results.record import Plan, Race
from impls.contract.words import counted
from reports.run.findings import Finding
from reports.run.race_records import RaceRecords
from reports.run.rows import Row
from reports.text.numbers import count, duration

QUANTILE = 1.96  # of the normal distribution: so many rounds are needed that Student's t is near it


def of_rounds(plan: Plan, race: Race, rows: Sequence[Row], records: RaceRecords) -> Finding | None:
    """How many ratios are known to the plan's precision, which one is not, and how long it would take to know it.

    None for a plan that is older than resting arms, and for a race without an interval.
    """
    known = [
        (row, row.ratio)
        for row in rows
        if row.arm.role == "arm" and row.arm.setting.watch == "none" and row.ratio and row.ratio.low is not None
    ]
    if not plan.settled or not known:
        return None
    rounds = len(records[race.reference])
    precise = sum(ratio.half_width <= plan.precision for _, ratio in known)
    aim = f"± {_percent(plan.precision)}"
    if precise == len(known):
        statement = f"In {counted(rounds, 'round')} every ratio came to be known to {aim}: more would tell nothing new"
    else:
        widest, ratio = max(known, key=lambda one: one[1].half_width)
        statement = (
            f"In {counted(rounds, 'round')} {precise} of {len(known)} ratios came to be known to {aim}, and that of "
            f"{widest.arm.name} to ± {_percent(ratio.half_width)}: {_more(plan, race, widest, records)}"
        )
    return Finding("rounds", statement, rest=_places(race, records))


def _more(plan: Plan, race: Race, row: Row, records: RaceRecords) -> str:
    """What it would take to know the ratio of an arm to the plan's precision."""
    logarithms = list(records.logarithms(row.arm, race.reference).values())
    more = math.ceil((QUANTILE * stdev(logarithms) / plan.precision) ** 2) - len(logarithms)
    lengths = [each.round_seconds - each.spent.get("job", 0.0) for each in records[race.reference]]
    seconds = max(1, more) * median(lengths[1:] or lengths)
    told = "" if row.verdict == "unresolved" else ", and change no more than its digits"
    return f"that would take about {counted(max(1, more), 'round')} more ({duration(seconds)}){told}"


def _places(race: Race, records: RaceRecords) -> str:
    """By how much identical code differed between rounds, each of which lies elsewhere in memory."""
    twin = next((arm for arm in race.arms if arm.role == "twin"), None)
    logarithms = list(records.logarithms(twin, race.reference).values()) if twin else []
    if len(logarithms) < 2:
        return ""
    return f"; each round lies elsewhere in memory, and identical code differed by {_percent(stdev(logarithms))} between them"


def _percent(share: float) -> str:
    return f"{count(100 * share, 2)} %"
