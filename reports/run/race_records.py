"""The records of a race by arm, and the paired ratios between its arms."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bench.results import statistics
from bench.results.record import Arm, Record
from bench.results.statistics import Estimate


@dataclass(frozen=True)
class RaceRecords(Mapping[Arm, Sequence[Record]]):
    """The records of each arm, in the order of the rounds; none for an arm that has none. A pair's ratio is computed once."""

    by_arm: Mapping[Arm, Sequence[Record]]
    _logarithms: dict[tuple[Arm, Arm], Mapping[int, float]] = field(default_factory=dict, repr=False, compare=False)

    def __getitem__(self, arm: Arm) -> Sequence[Record]:
        return self.by_arm.get(arm, ())

    def __iter__(self) -> Iterator[Arm]:
        return iter(self.by_arm)

    def __len__(self) -> int:
        return len(self.by_arm)

    def logarithms(self, arm: Arm, base: Arm) -> Mapping[int, float]:
        """By round, the logarithm of the arm's seconds over those of the base, as `statistics.round_logarithms` has it."""
        pair = (arm, base)
        if pair not in self._logarithms:
            self._logarithms[pair] = statistics.round_logarithms(self[arm], self[base])
        return self._logarithms[pair]

    def ratio(self, arm: Arm, base: Arm) -> Estimate | None:
        """Seconds an update of the arm over those of the base, paired lap by lap; None when no round saw both."""
        logarithms = self.logarithms(arm, base)
        return statistics.estimate(list(logarithms.values())) if logarithms else None


def by_arm(records: Iterable[Record]) -> dict[Arm, list[Record]]:
    """The records of each arm that has any, in the order in which they come."""
    groups: dict[Arm, list[Record]] = {}
    for record in records:
        groups.setdefault(record.arm, []).append(record)
    return groups
