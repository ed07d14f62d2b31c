"""What it costs that several processes make an update together, from size to size; and what that means for more of them.

An update of W processes takes as long as the slowest needs for its own rows, and what they cost each other besides: adding
up their gradients, waking, waiting. The first is measured by itself (a record's `shares`). The second is modelled as

    wait + each * numbers of the gradient

and fitted to what is left of the measured times. The model is held against each size that it was not fitted to.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

SIZES_TO_FIT = 3  # the fewest: each is left out once, and two are needed for a line
NUMBER_BYTES = 4  # of float32


@dataclass(frozen=True)
class AtSize:
    """One size of a sweep: seconds of an update, of that the slowest process's own share, and numbers in the gradient."""

    size: float
    seconds: float
    share: float
    numbers: int

    @property
    def talk(self) -> float:
        """What the processes cost each other."""
        return max(0.0, self.seconds - self.share)


@dataclass(frozen=True)
class Scaling:
    """An arm of several processes at all sizes, and the model of what they cost each other.

    wait   seconds that do not depend on how much is added up
    each   seconds for each number of the gradient; 0 where it has equally many at all sizes
    off    the largest relative distance of an update's time from what the model says that is fitted without it
    """

    name: str
    processes: int
    points: tuple[AtSize, ...]
    wait: float
    each: float
    off: float

    def predicted(self, point: AtSize) -> float:
        """Seconds of an update, by the model."""
        return point.share + self.wait + self.each * point.numbers


@dataclass(frozen=True)
class Link:
    """How several GPUs are joined: seconds of the smallest all-reduce, and bytes a second of a large one ("bus bandwidth").

    source  where these figures were published
    """

    gpus: int
    name: str
    latency: float
    bandwidth: float
    source: str

    def all_reduce(self, numbers: int) -> float:
        """Seconds for as many numbers: each GPU sends and receives 2 (W - 1) / W times their bytes."""
        return self.latency + 2 * (self.gpus - 1) / self.gpus * numbers * NUMBER_BYTES / self.bandwidth

    def pays_from(self, numbers: int) -> float:
        """Seconds of an update on one GPU from which all of them are faster, where all of that can be divided."""
        return self.all_reduce(numbers) * self.gpus / (self.gpus - 1)

    def half_from(self, numbers: int) -> float:
        """Seconds of an update on one GPU from which the speed-up is half the number of GPUs, where all can be divided."""
        return self.all_reduce(numbers) * self.gpus


# Bandwidths: an engineer of NCCL in NVIDIA/nccl-tests#212 and #290 (480 GB/s with NVLink SHARP; 46 GB/s for each of eight
# 400 Gb/s adapters). Latencies: the order of what is published there and in NVIDIA/nccl#1453; they are assumptions.
LINKS = (
    Link(8, "one node of 8 H100, NVLink", 20e-6, 480e9, "NVIDIA/nccl-tests#212"),
    Link(64, "8 such nodes, 400 Gb/s for each GPU", 60e-6, 8 * 46e9, "NVIDIA/nccl-tests#290"),
)


def scaling_of(name: str, processes: int, points: Sequence[AtSize]) -> Scaling | None:
    """The model of one arm; None for fewer sizes than SIZES_TO_FIT."""
    if len(points) < SIZES_TO_FIT:
        return None
    wait, each = _fitted(points)
    off = 0.0
    for left_out in points:
        wait_without, each_without = _fitted([point for point in points if point is not left_out])
        predicted = left_out.share + wait_without + each_without * left_out.numbers
        off = max(off, abs(predicted / left_out.seconds - 1))
    return Scaling(name, processes, tuple(points), wait, each, off)


def _fitted(points: Sequence[AtSize]) -> tuple[float, float]:
    """`wait` and `each` with the least errors relative to the update's time; neither is negative."""
    weights = np.array([1 / point.seconds for point in points])
    talk = np.array([point.talk for point in points]) * weights
    numbers = np.array([float(point.numbers) for point in points])
    if len(set(numbers)) == 1:
        return float(talk @ weights / (weights @ weights)), 0.0
    scale = numbers.max()
    solution, _ = nnls(np.stack([weights, numbers / scale * weights], axis=1), talk)
    return float(solution[0]), float(solution[1] / scale)
