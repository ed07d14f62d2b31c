"""Two arms that meet in race after race of a sweep: between which sizes they change places. Apart: it is only arithmetic."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.results import statistics
from bench.results.statistics import Estimate


@dataclass(frozen=True)
class Meeting:
    """Two arms in the race of one size: the paired ratio of the one to the other, and the seconds of the other."""

    size: int
    ratio: Estimate
    base: float

    @property
    def winner(self) -> str:
        """What the one is for certain against the other, "faster" or "slower"; empty when that is not known."""
        verdict = statistics.verdict(self.ratio)
        return verdict if verdict in ("faster", "slower") else ""


def changes(meetings: Sequence[Meeting]) -> Iterator[Sequence[Meeting]]:
    """The stretches at whose two ends there is a winner for certain, another one at each, and none between."""
    last: int | None = None
    for index, meeting in enumerate(meetings):
        if meeting.winner:
            if last is not None and meeting.winner != meetings[last].winner:
                yield meetings[last : index + 1]
            last = index


def crossed(stretch: Sequence[Meeting]) -> tuple[float, float, float]:
    """Where a ratio crosses 1 between the ends of a stretch: the size, and the least and the greatest that it may be.

    What the times do between two sizes is not known. Times that grow as a power of the size follow straight lines in
    logarithms, those that grow as a + b n do not: both are drawn, through the ratio and through the edges of its interval.
    The size is the geometric mean of the two, and the interval holds all.
    """
    sizes = np.array([meeting.size for meeting in stretch])
    bases = np.array([meeting.base for meeting in stretch])
    value, low, high = (
        np.array([getattr(meeting.ratio, edge) for meeting in stretch], dtype=float)
        for edge in ("value", "low", "high")
    )
    powers = [[math.exp(root) for root in _roots(np.log(sizes), np.log(edge))] for edge in (value, low, high)]
    lines = [_roots(sizes, (edge - 1) * bases) for edge in (value, low, high)]
    size = math.sqrt(powers[0][len(powers[0]) // 2] * lines[0][len(lines[0]) // 2])
    ends = [root for found in (*powers, *lines) for root in found]
    return size, min(ends), max(ends)


def _roots(at: NDArray[Any], values: NDArray[np.float64]) -> list[float]:
    """Where the straight lines through the values cross 0."""
    return [
        float(at[i] + (at[i + 1] - at[i]) * values[i] / (values[i] - values[i + 1]))
        for i in range(len(at) - 1)
        if (values[i] > 0) != (values[i + 1] > 0)
    ]
