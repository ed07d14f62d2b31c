"""The exponent between two sizes: found in made-up times, with an interval that holds the truth."""

import numpy as np
import pytest

from bench.results.statistics import Estimate, estimate
from reports.growth.exponent import exponent_of


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 2.0])
def test_an_exponent_is_found(exponent: float) -> None:
    """Of exact times it is exact."""
    times = [Estimate(1e-3 * size**exponent, 1e-3 * size**exponent, 1e-3 * size**exponent, 3) for size in (128, 512)]
    known = exponent_of((128, 512), (times[0], times[1]))
    assert known is not None
    assert known.value == pytest.approx(exponent, abs=1e-9)


def test_its_interval_holds_the_truth_19_times_of_20() -> None:
    """Of 400 sweeps with five rounds of 5 % a size, the interval misses the exponent in about a twentieth."""
    draws = np.random.default_rng(1)
    missed = 0
    for _ in range(400):
        times = [estimate(np.log(1e-3 * size**1.5) + 0.05 * draws.standard_normal(5)) for size in (128, 512)]
        known = exponent_of((128, 512), (times[0], times[1]))
        assert known is not None
        assert known.low is not None
        assert known.high is not None
        missed += not known.low <= 1.5 <= known.high
    assert missed <= 32  # of a binomial of 400 times 1/20, more are seen once in 200


def test_a_time_without_an_interval_has_no_exponent() -> None:
    """One round tells nothing of how sure it is."""
    single = Estimate(1e-3, None, None, 1)
    assert exponent_of((1, 2), (single, Estimate(2e-3, 1.9e-3, 2.1e-3, 3))) is None
