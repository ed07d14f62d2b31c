"""What the rounds of a race that are done tell: their time, which arms ended in them, and how precise the ratios are."""

from collections.abc import Mapping, Sequence

from bench.results import statistics
from bench.results.record import MEASURED, Plan, Race, Record


def round_seconds(rounds: Mapping[int, Sequence[Record]]) -> float:
    """Seconds that these rounds took."""
    return sum(max((record.round_seconds for record in records), default=0.0) for records in rounds.values())


def unfit_arms(done: Mapping[int, Sequence[Record]]) -> set[str]:
    """The arms that ended without a measurement; they are not tried again."""
    return {r.arm.slug for records in done.values() for r in records if r.status not in MEASURED}


def is_precise(plan: Plan, race: Race, done: Mapping[int, Sequence[Record]]) -> bool:
    """Whether every unwatched arm's ratio is known to the plan's precision. The width decides, never the value."""
    measured = [record for records in done.values() for record in records if record.blocks]
    by_arm = {arm: [record for record in measured if record.arm == arm] for arm in race.arms}
    ratios = [
        statistics.ratio(records, by_arm[race.reference])
        for arm, records in by_arm.items()
        if arm.role != "reference" and arm.setting.watch == "none" and records
    ]
    return all(ratio.half_width <= plan.precision for ratio in ratios if ratio is not None)
