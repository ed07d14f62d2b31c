"""How much evidence each look at the rounds needs, so that looking often does not err more often. Apart: numbers, no data.

The significance-level approach of group-sequential tests: at each look the p value of Student's t is held against a
threshold that a Brownian motion would pass with just the error that may be spent by then (K. K. G. Lan and D. L. DeMets,
Discrete sequential boundaries for clinical trials, Biometrika 70, 1983; K. Kim and D. L. DeMets, Design and analysis of
group sequential tests based on the type I error spending rate function, Biometrika 74, 1987).
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
KEPT = 0.2  # the share of it that is kept for all rounds after these, however many
WARY = 0.9  # of alpha is spent on paper: Student's t passes these thresholds up to 1.13 times as often as the walk
ALPHA: dict[Kind, float] = {"regressed": 0.01, "ok": 0.05}
LOOKS: tuple[int, ...] = (
    *range(4, HORIZON),  # a round costs seconds, a look nothing
    *(each << doublings for doublings in range(20) for each in (20, 25, 32)),
)
REACH = 8.0  # standard deviations beyond which a walk never is
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)


def looks(most: int) -> tuple[int, ...]:
    """The numbers of rounds at which data are looked at, up to `most`: 4, 5, ... 20, then 25, 32 and their doublings.

    They are the same for every gate, whatever its `most`: only so can a gate be continued without erring more often.
    A stage of at most `most` rounds therefore ends with the last of them; of fewer than 4 rounds there is no look.
    """
    return tuple(each for each in LOOKS if each <= most)


def spent(kind: Kind, rounds: int) -> float:
    """The probability of a wrong word that is allowed by so many rounds; all rounds to come never take it over ALPHA.

    With a = 0.9 alpha: 0.8 a n / 20 up to 20 rounds, a (1 - 0.2 * 20 / n) from there on. So it is spent early, and what is
    clear is soon done.
    """
    share = (1 - KEPT) * rounds / HORIZON if rounds <= HORIZON else 1 - KEPT * HORIZON / rounds
    return ALPHA[kind] * WARY * share


def level(kind: Kind, rounds: int) -> float:
    """The one-sided p value below which the look at so many rounds decides; later looks do not count in it.

    Raises ValueError when there is no look at this number of rounds.
    """
    if rounds not in LOOKS:
        raise ValueError(f"There is no look at {rounds} rounds, only at {', '.join(map(str, LOOKS[:12]))} and so on.")
    return _looked(kind, rounds)[0]


@dataclass(frozen=True, eq=False)
class Walk:
    """A Brownian motion from 0 of which only those paths are left that no look has ended.

    time    so far, variance of a path that nothing ends
    spent   the probability of having ended above by now
    points  values that the paths may have
    masses  how probable each is, with its quadrature weight; together at most 1
    """

    time: float
    spent: float
    points: Values
    masses: Values

    def beyond(self, time: float, high: float) -> float:
        """The probability of being above `high` at a later time."""
        return float(self.masses @ ndtr((self.points - high) / math.sqrt(time - self.time)))

    def excess(self, time: float, high: float) -> float:
        """The mean of how far above `high` the paths are at a later time, those below it counted as 0."""
        deviation = math.sqrt(time - self.time)
        far = (self.points - high) / deviation
        density = np.exp(-(far**2) / 2) / math.sqrt(2 * math.pi)
        return float(self.masses @ (far * ndtr(far) + density)) * deviation

    def between(self, time: float, low: float, high: float) -> "Walk":
        """The paths that are between the two at a later time; those above are added to what is spent.

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
    """The p value with which a path ends at this time so that `spent` of all have by now, and the paths that go on.

    time   later than the walk's; only the ratios of times count
    spent  above what the walk has spent, below 1
    """
    reach = REACH * math.sqrt(time)
    boundary = float(brentq(lambda high: walk.beyond(time, high) - (spent - walk.spent), -reach, reach))
    return float(ndtr(-boundary / math.sqrt(time))), walk.between(time, -reach, boundary)


@cache
def _looked(kind: Kind, rounds: int) -> tuple[float, Walk]:
    earlier = looks(rounds - 1)
    walk = _looked(kind, earlier[-1])[1] if earlier else START
    return crossed(walk, rounds / HORIZON, spent(kind, rounds))
