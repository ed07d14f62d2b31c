"""The oracle of gradient/norm, compared with differences of the function itself."""

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from impls.contract import Oracle
from impls.contract.catalogue import workloads
from impls.contract.setting import SettingError

NORM = workloads()["gradient/norm"]
LENGTHS = [1, 2, 3, 1000]


def judged(**chosen: int | str) -> tuple[NDArray[np.float64], Oracle]:
    """The point x in float64, and the oracle there."""
    setting = NORM.setting(**chosen)
    problem = NORM.problem(setting)
    return problem.data["x"].astype(np.float64), NORM.oracle(problem, setting)


def parts(found: Mapping[str, NDArray[np.float64]]) -> tuple[float, NDArray[np.float64]]:
    """The value and the gradient of an answer."""
    return float(found["value"]), found["gradient"]


def test_the_default_is_the_tutorials() -> None:
    """At x = [1, 1] the value is 5.6569 and the gradient [2.8284, 2.8284], as the tutorial printed."""
    x, oracle = judged()
    value, gradient = parts(oracle.weights(1))
    np.testing.assert_array_equal(x, [1.0, 1.0])
    assert round(value, 4) == 5.6569
    np.testing.assert_allclose(gradient, [2.8284, 2.8284], atol=5e-5)


@pytest.mark.parametrize("features", LENGTHS)
def test_the_gradient_agrees_with_central_differences(features: int) -> None:
    """At any length the gradient equals differences of 4 * norm to 1e-6, and the value is 4 * norm."""
    x, oracle = judged(features=features)
    value, gradient = parts(oracle.weights(1))
    steps = 1e-5 * np.eye(features)
    above, below = (4 * np.sqrt(((x + sign * steps) ** 2).sum(axis=1)) for sign in (1, -1))
    np.testing.assert_allclose(gradient, (above - below) / 2e-5, rtol=0, atol=1e-6)
    assert value == pytest.approx(4 * np.sqrt((x**2).sum()), rel=1e-14)


@pytest.mark.parametrize("features", LENGTHS)
def test_the_point_begins_with_ones(features: int) -> None:
    """At any length x begins with the tutorial's [1, 1], and all its entries are exact in float32."""
    x, _ = judged(features=features, dtype="float64")
    np.testing.assert_array_equal(x[:2], np.ones(min(2, features)))
    np.testing.assert_array_equal(x, x.astype(np.float32))
    assert (features,) == x.shape


@pytest.mark.parametrize("updates", [1, 2, 1000])
def test_every_update_gives_the_same_answer(updates: int) -> None:
    """Nothing is trained: the answer after many evaluations is that after the first."""
    _, oracle = judged(features=5)
    assert oracle.weights(1)["value"] == oracle.weights(updates)["value"]
    np.testing.assert_array_equal(oracle.weights(1)["gradient"], oracle.weights(updates)["gradient"])


@pytest.mark.parametrize("features", LENGTHS)
def test_before_the_first_update_there_is_nothing(features: int) -> None:
    """After no update the answer is the start: zeros, so that an arm that evaluates nothing is wrong."""
    _, oracle = judged(features=features)
    value, gradient = parts(oracle.weights(0))
    assert value == 0.0
    np.testing.assert_array_equal(gradient, np.zeros(features))
    assert (parts(oracle.tolerance(1))[1] < parts(oracle.weights(1))[1]).all()


@pytest.mark.parametrize(("dtype", "unit"), [("float32", 2.0**-24), ("float64", 2.0**-53)])
@pytest.mark.parametrize("features", LENGTHS)
def test_the_tolerance_is_some_units_of_the_answer(features: int, dtype: str, unit: float) -> None:
    """The tolerance lies between one and a hundred units in the last place of each number, in either dtype."""
    _, oracle = judged(features=features, dtype=dtype)
    exact, allowed = oracle.weights(1), oracle.tolerance(1)
    for name in ("value", "gradient"):
        assert (allowed[name] > unit * exact[name]).all()
        assert (allowed[name] < 100 * unit * exact[name]).all()


def test_an_accumulated_gradient_is_outside_the_tolerance() -> None:
    """A gradient that was not cleared is twice the right one, which rounding does not explain."""
    _, oracle = judged()
    assert (oracle.weights(2)["gradient"] > oracle.tolerance(2)["gradient"]).all()


@pytest.mark.parametrize("chosen", [{"rows": 2}, {"watch": "loss"}, {"rows": 5, "batch": 5}, {"batch": 1}])
def test_what_the_workload_has_not_is_refused(chosen: dict[str, int | str]) -> None:
    """Rows, batches and watching mean nothing here, and are refused with the workload's name."""
    with pytest.raises(SettingError, match=r"^gradient/norm "):
        NORM.setting(**chosen)
