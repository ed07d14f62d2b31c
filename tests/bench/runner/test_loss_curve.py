"""The descent that pictures show is the oracle's own course, and its bowl is the loss."""

from typing import Any

import numpy as np
import pytest

from bench.results.record import LossCurve
from bench.runner.loss_curve import loss_curve_of
from impls.contract import Oracle, Quadratic
from impls.contract.catalogue import workloads


def posed(name: str, **chosen: Any) -> tuple[Oracle, Quadratic | None, LossCurve | None]:
    """The oracle of a workload at a setting, its bowl, and the descent."""
    workload = workloads()[name]
    setting = workload.setting(**chosen)
    problem = workload.problem(setting)
    oracle = workload.oracle(problem, setting)
    return oracle, oracle.bowl(), loss_curve_of(problem, oracle, setting)


@pytest.mark.parametrize(
    ("name", "chosen"),
    [
        ("linear/line", {"rows": 1000}),
        ("linear/line", {"rows": 1000, "batch": 7}),
        ("linear/line", {"rows": 50, "features": 3}),
        ("linear/line", {"rows": 3, "features": 8}),
        ("linear/five", {}),
        ("linear/five", {"batch": 2}),
    ],
)
def test_a_bowl_is_the_loss(name: str, chosen: dict[str, Any]) -> None:
    """At any weights the quadratic is the loss over all rows, and nowhere is it below its minimum."""
    oracle, bowl, _ = posed(name, **chosen)
    assert bowl is not None
    size = len(bowl.optimum)
    for weights in np.random.default_rng(1).normal(0, 3, (20, size)):
        exact = oracle.loss({"weight": weights[:-1], "bias": weights[-1]})
        assert bowl.loss(weights) == pytest.approx(exact, rel=1e-9)
        assert exact >= bowl.minimum - 1e-9


def test_a_descent_goes_from_the_start_to_the_end_of_the_job() -> None:
    """Its points are the oracle's weights after so many updates, and their losses; the first is the start."""
    oracle, _, descent = posed("linear/line", rows=1000, updates=500, batch=64)
    assert descent is not None
    assert (descent.updates[0], descent.updates[-1]) == (0, 500)
    assert list(descent.updates) == sorted(set(descent.updates))
    assert descent.parameters[0] == (0.5, 0.25)
    for place in (0, len(descent.updates) // 2, -1):
        exact = oracle.weights(descent.updates[place])
        assert list(descent.parameters[place]) == [*exact["weight"], exact["bias"]]
        assert descent.losses[place] == pytest.approx(oracle.loss(exact), rel=1e-9)


def test_a_full_batch_never_climbs() -> None:
    """Exact gradient descent with a small rate lowers the loss at every point, towards the minimum."""
    _, _, descent = posed("linear/line", rows=1000)
    assert descent is not None
    assert list(descent.losses) == sorted(descent.losses, reverse=True)
    assert descent.losses[-1] > descent.minimum


def test_many_features_have_losses_and_no_line() -> None:
    """Of more than one feature there is no path in a plane, and no line over the data."""
    _, _, descent = posed("linear/line", rows=100, features=3, updates=10)
    assert descent is not None
    assert len(descent.losses) == len(descent.updates)
    assert (descent.parameters, descent.sample, descent.curvature) == ((), (), ())


def test_the_sample_is_of_the_data() -> None:
    """At most 300 rows, from the first to the last; all five of five."""
    _, _, line = posed("linear/line", rows=1000)
    _, _, five = posed("linear/five")
    assert line is not None
    assert five is not None
    assert (len(line.sample), line.sample[0][0], line.sample[-1][0]) == (300, -3.0, 3.0)
    assert [x for x, _ in five.sample] == pytest.approx([1.4, 5, 11, 16, 21])


def test_what_trains_nothing_has_no_descent() -> None:
    """The gradient of a norm is no training."""
    assert posed("gradient/norm")[1:] == (None, None)
