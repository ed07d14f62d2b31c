"""Where two arms of a sweep change places: between which sizes, and at which size with its interval."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.results import statistics
from bench.results.statistics import Estimate


@dataclass(frozen=True)
class SizeRatio:
    """Two arms in the race of one size.

    ratio  of the first arm to the second, paired lap by lap
    base   seconds of an update of the second arm
    """

    size: float
    ratio: Estimate
    base: float

    @property
    def winner(self) -> str:
        """What the first arm is for certain, "faster" or "slower"; empty when that is not known."""
        verdict = statistics.verdict(self.ratio)
        return verdict if verdict in ("faster", "slower") else ""


def stretches(ratios: Sequence[SizeRatio]) -> Iterator[Sequence[SizeRatio]]:
    """The stretches of sizes in which two arms change places.

    At each end of a stretch one arm is faster for certain, not the same one at both, and none is between the ends.
    """
    last: int | None = None
    for index, at_size in enumerate(ratios):
        if at_size.winner:
            if last is not None and at_size.winner != ratios[last].winner:
                yield ratios[last : index + 1]
            last = index


def crossing_size(stretch: Sequence[SizeRatio]) -> tuple[float, float, float]:
    """The size at which the ratio crosses 1 within a stretch, and the least and the greatest that it may be.

    How times grow between two sizes is not known: as a power of the size, which is a straight line in logarithms, as
    a + b n, or as a + b n^2, which widths of layers do. Curves of all three kinds are drawn through the ratios, and through
    the ends of their intervals. The size is the geometric mean of where they cross 1; the interval holds all crossings.
    """
    sizes = np.array([each.size for each in stretch], dtype=float)
    bases = np.array([each.base for each in stretch])
    edges = [
        np.array([getattr(each.ratio, edge) for each in stretch], dtype=float) for edge in ("value", "low", "high")
    ]
    kinds = [
        [[math.exp(root) for root in _roots(np.log(sizes), np.log(edge))] for edge in edges],
        [_roots(sizes, (edge - 1) * bases) for edge in edges],
        [[math.sqrt(root) for root in _roots(sizes**2, (edge - 1) * bases)] for edge in edges],
    ]
    middles = [of_values[len(of_values) // 2] for of_values, *_ in kinds]
    ends = [root for kind in kinds for roots in kind for root in roots]
    return math.exp(sum(map(math.log, middles)) / len(middles)), min(ends), max(ends)


def _roots(at: NDArray[Any], values: NDArray[np.float64]) -> list[float]:
    """Where straight lines from value to value cross 0."""
    return [
        float(at[i] + (at[i + 1] - at[i]) * values[i] / (values[i] - values[i + 1]))
        for i in range(len(at) - 1)
        if (values[i] > 0) != (values[i + 1] > 0)
    ]
