"""What the rounds of a race that are done tell: their time, which arms ended in them, and how precise the ratios are."""

from collections.abc import Mapping, Sequence
from math import log

from bench.results import statistics
from bench.results.record import MEASURED, Arm, Plan, Race, Record

ENOUGH_TO_REST = 2  # rounds, each of which must show an arm to be too slow


def round_seconds(rounds: Mapping[int, Sequence[Record]]) -> float:
    """Seconds that these rounds took."""
    return sum(max((record.round_seconds for record in records), default=0.0) for records in rounds.values())


def unfit_arms(done: Mapping[int, Sequence[Record]]) -> set[str]:
    """The arms that ended without a measurement; they are not tried again."""
    return {r.arm.slug for records in done.values() for r in records if r.status not in MEASURED}


def resting_arms(plan: Plan, race: Race, done: Mapping[int, Sequence[Record]]) -> set[str]:
    """The arms that need no further round, because each of so many rounds showed them too slow for what the race is for."""
    if not plan.resting:
        return set()
    by_arm = _by_arm(race, done)
    logarithms = {
        arm: statistics.round_logarithms(records, by_arm[race.reference])
        for arm, records in by_arm.items()
        if arm.role == "arm"
    }
    return {
        arm.slug
        for arm, of_rounds in logarithms.items()
        if len(of_rounds) >= ENOUGH_TO_REST and min(of_rounds.values()) > log(plan.resting)
    }


def is_precise(plan: Plan, race: Race, done: Mapping[int, Sequence[Record]]) -> bool:
    """Whether every unwatched arm's ratio is known to the plan's precision. The width decides, never the value."""
    resting, by_arm = resting_arms(plan, race, done), _by_arm(race, done)
    ratios = [
        statistics.ratio(records, by_arm[race.reference])
        for arm, records in by_arm.items()
        if arm.role != "reference" and arm.setting.watch == "none" and records and arm.slug not in resting
    ]
    return all(ratio.half_width <= plan.precision for ratio in ratios if ratio is not None)


def _by_arm(race: Race, done: Mapping[int, Sequence[Record]]) -> dict[Arm, list[Record]]:
    """The records with blocks of each arm."""
    measured = [record for records in done.values() for record in records if record.blocks]
    return {arm: [record for record in measured if record.arm == arm] for arm in race.arms}
