"""What one race of a climb says of each recipe: numbers and words only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.results import statistics
from bench.results.climb import arm_of
from bench.results.record import RANKED, Arm, Race, Record
from bench.results.statistics import Estimate, Verdict
from bench.results.store import Store

FAITHFUL = tuple(word for word in RANKED if word != "coarser")


@dataclass(frozen=True)
class Outcome:
    """A recipe beside the one that it is compared with.

    ratio   of its seconds an update to those of the other, from the same laps; None where it was not timed
    usable  whether it was proved to compute the same as the plain step, in every round
    """

    recipe: str
    ratio: Estimate | None
    usable: bool

    @property
    def verdict(self) -> Verdict:
        """Whether it is faster."""
        return statistics.verdict(self.ratio)

    @property
    def promising(self) -> bool:
        """Whether it may be faster: usable, and not known to be slower or the same."""
        return self.usable and self.ratio is not None and self.verdict in ("faster", "unresolved") and self.value < 1

    @property
    def value(self) -> float:
        """The ratio; 1 where it was not timed."""
        return self.ratio.value if self.ratio else 1.0


def outcomes(race: Race, records: Mapping[Arm, Sequence[Record]], base: str) -> list[Outcome]:
    """The outcome of every recipe of a race but the base, and the plain step where that is not the base; best first."""
    other = records.get(arm_of(race, base), ())
    compared = [
        arm for arm in race.arms if arm.role == "arm" and arm.implementation != base and not _floor(records, arm)
    ]
    found = [
        Outcome(arm.implementation, statistics.ratio(records.get(arm, ()), other), usable(records.get(arm, ())))
        for arm in compared
    ]
    return sorted(found, key=lambda outcome: (not outcome.usable, outcome.value))


def outcomes_of(store: Store, race: Race, base: str) -> list[Outcome]:
    """The same of the rounds that a run has of a race."""
    by_arm: dict[Arm, list[Record]] = {}
    for records in store.rounds(race).values():
        for record in records:
            by_arm.setdefault(record.arm, []).append(record)
    return outcomes(race, by_arm, base)


def usable(records: Sequence[Record]) -> bool:
    """Whether an arm was measured and judged to be the same in each of its rounds."""
    return bool(records) and all(
        record.status == "ok" and record.answer is not None and record.answer.word in FAITHFUL for record in records
    )


def _floor(records: Mapping[Arm, Sequence[Record]], arm: Arm) -> bool:
    return any(record.work == "floor" for record in records.get(arm, ()))
