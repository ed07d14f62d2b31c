"""The exponent with which the time of an update grows beyond its fixed part, with an interval."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls
from scipy.stats import f as f_distribution

from bench.results.statistics import Estimate

LEAST, MOST, STEP = 0.1, 4.0, 0.01  # exponents that are tried
SIZES_TO_TELL = 5  # three numbers are fitted; the scatter of two sizes more tells how sure they are


def exponent_of(sizes: Sequence[float], seconds: Sequence[float]) -> Estimate | None:
    """The exponent of `fixed + each * size ** exponent` with the least relative errors; neither term is negative.

    None for fewer than SIZES_TO_TELL sizes, and where any exponent would do: for times that do not grow. The 95 % interval
    is that of the profile (Bates and Watts, Nonlinear Regression Analysis and Its Applications, 1988, chapter 6): all
    exponents whose sum of squares is not significantly greater than the least. Caches that bend the curve widen it.
    """
    if len(sizes) < SIZES_TO_TELL:
        return None
    relative = np.asarray(sizes, dtype=float) / max(sizes)
    times = np.asarray(seconds, dtype=float)
    tried = np.arange(round(LEAST / STEP), round(MOST / STEP) + 1) * STEP
    squares = np.array([_squares(relative**exponent, times) for exponent in tried])
    freedom = len(sizes) - 3
    limit = squares.min() * (1 + float(f_distribution.ppf(0.95, 1, freedom)) / freedom)
    within = tried[squares <= limit]
    low, high = max(LEAST, within[0] - STEP), min(MOST, within[-1] + STEP)  # the grid rounds them
    if low == LEAST and high == MOST:
        return None
    return Estimate(float(tried[squares.argmin()]), float(low), float(high), len(sizes))


def _squares(grown: NDArray[np.float64], times: NDArray[np.float64]) -> float:
    """The sum of squares of the relative errors of `fixed + each * grown`."""
    _, distance = nnls(np.stack([np.ones_like(grown), grown], axis=1) / times[:, None], np.ones(len(times)))
    return float(distance) ** 2
