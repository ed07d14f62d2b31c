"""What the rounds of a race that are done tell: their time, which arms ended in them, and how precise the ratios are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

from bench.results import statistics
from bench.results.record import MEASURED, RANKED, Arm, Plan, Race, Record
from bench.results.statistics import Estimate

ENOUGH_TO_REST = 2  # rounds, each of which must show an arm to be too slow

Rounds = Mapping[int, Sequence[Record]]


@dataclass(frozen=True)
class Leader:
    """The arm that is the fastest so far of those that do the whole work, and its ratio to the reference."""

    arm: Arm
    ratio: Estimate


def round_seconds(rounds: Rounds) -> float:
    """Seconds that these rounds took."""
    return sum(max((record.round_seconds for record in records), default=0.0) for records in rounds.values())


def unfit_arms(done: Rounds) -> set[str]:
    """The arms that ended without a measurement by themselves; they are not tried again."""
    ended = (*MEASURED, "interrupted")
    return {r.arm.slug for records in done.values() for r in records if r.status not in ended}


def resting_arms(plan: Plan, race: Race, done: Rounds) -> set[str]:
    """The arms that need no further round.

    Each of so many rounds showed them too slow for what the race is for; or their ratio is known to the plan's precision.
    The width decides that, never the value; and not before `settled` rounds, because a narrow interval of a few may be
    luck: stopped by width after 3 rounds, intervals hold the truth in 90 to 95 %, after 8 in 94 to 95 % (simulated).
    """
    by_arm = _by_arm(race, done)
    rest = set[str]()
    for arm, records in by_arm.items():
        if arm.role != "arm":
            continue
        of_rounds = list(statistics.round_logarithms(records, by_arm[race.reference]).values())
        slow = plan.resting and len(of_rounds) >= ENOUGH_TO_REST and min(of_rounds) > log(plan.resting)
        known = plan.settled and len(of_rounds) >= plan.settled and _is_known(plan, of_rounds)
        if slow or known:
            rest.add(arm.slug)
    return rest


def is_precise(plan: Plan, race: Race, done: Rounds) -> bool:
    """Whether every unwatched arm's ratio is known to the plan's precision. The width decides, never the value."""
    resting, by_arm = resting_arms(plan, race, done), _by_arm(race, done)
    ratios = [
        list(statistics.round_logarithms(records, by_arm[race.reference]).values())
        for arm, records in by_arm.items()
        if arm.role != "reference" and arm.setting.watch == "none" and records and arm.slug not in resting
    ]
    return all(len(of_rounds) >= plan.settled and _is_known(plan, of_rounds) for of_rounds in ratios if of_rounds)


def leader(race: Race, done: Rounds) -> Leader | None:
    """The fastest arm so far; None before there is a ratio."""
    by_arm = _by_arm(race, done)
    ratios = [
        Leader(arm, ratio)
        for arm, records in by_arm.items()
        if arm.role == "arm" and arm.setting.watch == "none" and all(map(_counts, records))
        if (ratio := statistics.ratio(records, by_arm[race.reference])) is not None
    ]
    return min(ratios, key=lambda one: one.ratio.value, default=None)


def _counts(record: Record) -> bool:
    """Whether the arm did the whole work in this round, and rightly as far as that is known."""
    right = record.answer is None or record.answer.word in RANKED
    return record.status == "ok" and record.work == "faithful" and right


def _is_known(plan: Plan, logarithms: Sequence[float]) -> bool:
    return statistics.estimate(logarithms).half_width <= plan.precision


def _by_arm(race: Race, done: Rounds) -> dict[Arm, list[Record]]:
    """The records with blocks of each arm."""
    measured = [record for records in done.values() for record in records if record.blocks]
    return {arm: [record for record in measured if record.arm == arm] for arm in race.arms}
