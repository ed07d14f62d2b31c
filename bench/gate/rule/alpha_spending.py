"""The thresholds of a group-sequential test: how small the p value must be at each look at the rounds.

Looking at the same data repeatedly must not raise the error rate. So each look may spend only a part of the error
probability alpha: at each look the p value of Student's t is compared with a threshold that a Brownian motion crosses with
exactly the probability that may be spent by then (K. K. G. Lan and D. L. DeMets, Discrete sequential boundaries for clinical
trials, Biometrika 70, 1983; K. Kim and D. L. DeMets, Design and analysis of group sequential tests based on the type I error
spending rate function, Biometrika 74, 1987).
"""

import math
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr

Kind = Literal["regressed", "ok"]
Values = NDArray[np.float64]

HORIZON = 20  # rounds by which most of the error may be spent
KEPT = 0.2  # the share of it that is kept for all rounds after the horizon, however many
CAUTION = (
    0.9  # of alpha is planned for: Student's t crosses these thresholds up to 1.13 times as often as Brownian motion
)
ALPHA: dict[Kind, float] = {"regressed": 0.01, "ok": 0.05}
LOOKS: tuple[int, ...] = (
    *range(4, HORIZON),  # every round, for a round costs seconds and a look nothing
    *(rounds << doublings for doublings in range(20) for rounds in (20, 25, 32)),
)
REACH = 8.0  # standard deviations beyond which the probability of a path is neglected
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)


def looks(most: int) -> tuple[int, ...]:
    """The numbers of rounds at which data are looked at, up to `most`: 4, 5, ... 20, 25, 32, 40, 50, 64, ...

    They are the same for every gate, whatever its `most`, so that a gate can be continued without a higher error rate.
    A stage of at most `most` rounds ends with the last of them. There is no look at fewer than 4 rounds.
    """
    return tuple(rounds for rounds in LOOKS if rounds <= most)


def spent(kind: Kind, rounds: int, share: float = 1.0) -> float:
    """The probability of a wrong decision that is allowed within n rounds; it stays below ALPHA for any n.

    Of several questions about one arm, each has a share of the arm's false alarms. One needs two stages, so the probability
    of each stage is less by the root of the share: all shares together allow an arm no more than one question alone.

    With a = 0.9 alpha: 0.8 a n / 20 up to 20 rounds, and a (1 - 0.2 * 20 / n) after that. Most of it is spent early, so
    that clear cases are decided soon.
    """
    part = (1 - KEPT) * rounds / HORIZON if rounds <= HORIZON else 1 - KEPT * HORIZON / rounds
    return ALPHA[kind] * CAUTION * part * (math.sqrt(share) if kind == "regressed" else 1.0)


def level(kind: Kind, rounds: int, share: float = 1.0) -> float:
    """The one-sided p value below which the look at so many rounds decides; it does not depend on later looks.

    Raises ValueError when there is no look at this number of rounds.
    """
    if rounds not in LOOKS:
        raise ValueError(f"There is no look at {rounds} rounds, only at {', '.join(map(str, LOOKS[:12]))} and so on.")
    return _look(kind, rounds, share)[0]


@dataclass(frozen=True, eq=False)
class Walk:
    """A Brownian motion from 0, restricted to the paths that no look has ended yet.

    time    so far; equal to the variance of a path that nothing ends
    spent   the probability that a path has ended above a boundary by now
    points  nodes of the quadrature: values that the remaining paths may have
    masses  the probability density at each node times its quadrature weight; the sum is at most 1
    """

    time: float
    spent: float
    points: Values
    masses: Values

    def beyond(self, time: float, high: float) -> float:
        """The probability that a remaining path is above `high` at a later time."""
        return float(self.masses @ ndtr((self.points - high) / math.sqrt(time - self.time)))

    def excess(self, time: float, high: float) -> float:
        """The mean of max(0, path - high) at a later time, over the remaining paths."""
        deviation = math.sqrt(time - self.time)
        distance = (self.points - high) / deviation
        density = np.exp(-(distance**2) / 2) / math.sqrt(2 * math.pi)
        return float(self.masses @ (distance * ndtr(distance) + density)) * deviation

    def between(self, time: float, low: float, high: float) -> "Walk":
        """The paths that are between `low` and `high` at a later time; the probability above is added to `spent`.

        One step of P. Armitage, C. K. McPherson and B. C. Rowe, Repeated significance tests on accumulating data,
        Journal of the Royal Statistical Society A 132, 1969, by Gauss-Legendre quadrature.
        """
        deviation = math.sqrt(time - self.time)
        half = (high - low) / 2
        points = low + half * (_NODES + 1)
        density = np.exp(-(((points[:, None] - self.points) / deviation) ** 2) / 2) @ self.masses
        masses = half * _WEIGHTS * density / (deviation * math.sqrt(2 * math.pi))
        return Walk(time, self.spent + self.beyond(time, high), points, masses)


START = Walk(0.0, 0.0, np.zeros(1), np.ones(1))


def crossed(walk: Walk, time: float, spent: float) -> tuple[float, Walk]:
    """The p value at the boundary above which paths end at this time, and the paths that go on.

    The boundary is placed so that the probability of having ended by this time is `spent`.

    time   later than the walk's; only ratios of times matter
    spent  more than the walk has spent, and below 1
    """
    reach = REACH * math.sqrt(time)
    boundary = float(brentq(lambda high: walk.beyond(time, high) - (spent - walk.spent), -reach, reach))
    return float(ndtr(-boundary / math.sqrt(time))), walk.between(time, -reach, boundary)


@cache
def _look(kind: Kind, rounds: int, share: float) -> tuple[float, Walk]:
    earlier = looks(rounds - 1)
    walk = _look(kind, earlier[-1], share)[1] if earlier else START
    return crossed(walk, rounds / HORIZON, spent(kind, rounds, share))
