"""The loss curve of figures is exact, and so is the quadratic function that it is computed from."""

from typing import Any

import numpy as np
import pytest

from bench.results.record import LossCurve
from bench.runner.loss_curve import loss_curve_of
from impls.contract import Oracle, Quadratic, QuadraticOracle
from impls.contract.catalogue import workloads


def posed(name: str, **chosen: Any) -> tuple[Oracle, Quadratic | None, LossCurve | None]:
    """The oracle of a workload at a setting, its quadratic, and the loss curve."""
    workload = workloads()[name]
    setting = workload.setting(**chosen)
    problem = workload.problem(setting)
    oracle = workload.oracle(problem, setting)
    quadratic = oracle.quadratic() if isinstance(oracle, QuadraticOracle) else None
    return oracle, quadratic, loss_curve_of(problem, oracle, setting)


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
def test_a_quadratic_is_the_loss(name: str, chosen: dict[str, Any]) -> None:
    """At any weights the quadratic is the loss over all rows, and nowhere below its minimum."""
    oracle, quadratic, _ = posed(name, **chosen)
    assert quadratic is not None
    size = len(quadratic.optimum)
    for weights in np.random.default_rng(1).normal(0, 3, (20, size)):
        exact = oracle.loss({"weight": weights[:-1], "bias": weights[-1]})
        assert quadratic.loss(weights) == pytest.approx(exact, rel=1e-9)
        assert exact >= quadratic.minimum - 1e-9


def test_a_loss_curve_goes_from_the_start_to_the_end_of_the_job() -> None:
    """Its points are the oracle's weights after so many updates, with their losses; the first is the start."""
    oracle, _, loss_curve = posed("linear/line", rows=1000, updates=500, batch=64)
    assert loss_curve is not None
    assert (loss_curve.updates[0], loss_curve.updates[-1]) == (0, 500)
    assert list(loss_curve.updates) == sorted(set(loss_curve.updates))
    assert loss_curve.parameters[0] == (0.5, 0.25)
    for place in (0, len(loss_curve.updates) // 2, -1):
        exact = oracle.weights(loss_curve.updates[place])
        assert list(loss_curve.parameters[place]) == [*exact["weight"], exact["bias"]]
        assert loss_curve.losses[place] == pytest.approx(oracle.loss(exact), rel=1e-9)


def test_a_full_batch_never_climbs() -> None:
    """Exact gradient descent with a small learning rate lowers the loss at every point, towards the minimum."""
    _, _, loss_curve = posed("linear/line", rows=1000)
    assert loss_curve is not None
    assert list(loss_curve.losses) == sorted(loss_curve.losses, reverse=True)
    assert loss_curve.losses[-1] > loss_curve.minimum


def test_many_features_have_losses_and_no_line() -> None:
    """With several features there is no path in a plane, and no line over the data."""
    _, _, loss_curve = posed("linear/line", rows=100, features=3, updates=10)
    assert loss_curve is not None
    assert len(loss_curve.losses) == len(loss_curve.updates)
    assert (loss_curve.parameters, loss_curve.sample, loss_curve.curvature) == ((), (), ())


def test_the_sample_is_of_the_data() -> None:
    """At most 300 rows, from the first to the last; where there are five, all five."""
    _, _, line = posed("linear/line", rows=1000)
    _, _, five = posed("linear/five")
    assert line is not None
    assert five is not None
    assert (len(line.sample), line.sample[0][0], line.sample[-1][0]) == (300, -3.0, 3.0)
    assert [x for x, _ in five.sample] == pytest.approx([1.4, 5, 11, 16, 21])


def test_what_trains_nothing_has_no_loss_curve() -> None:
    """The gradient of a norm is no training."""
    assert posed("gradient/norm")[1:] == (None, None)
