"""From which size on an arm is faster than the reference of its races, and up to which."""

from collections.abc import Sequence
from dataclasses import dataclass

from reports.growth.crossings import SizeRatio, crossing_size, stretches


@dataclass(frozen=True)
class Change:
    """The size at which an arm begins to be faster than the reference, or ceases to be; and its 95 % interval."""

    begins: bool
    size: float
    low: float
    high: float


@dataclass(frozen=True)
class Pays:
    """Where an arm is faster than the reference.

    faster    sizes at which it is, for certain
    measured  sizes at which both have a time and their ratio an interval
    change    None where none is seen, or more than one
    """

    faster: int
    measured: int
    change: Change | None


def pays_of(ratios: Sequence[SizeRatio]) -> Pays | None:
    """Where an arm is faster than the reference, by its ratios to it, the smallest size first; None without any."""
    if not ratios:
        return None
    changes = [Change(stretch[-1].winner == "faster", *crossing_size(stretch)) for stretch in stretches(ratios)]
    faster = sum(at_size.winner == "faster" for at_size in ratios)
    return Pays(faster, len(ratios), changes[0] if len(changes) == 1 else None)
