"""The exact course of a race's job by the oracle, point by point, for figures. Computed once, before anything is timed."""

import numpy as np

from bench.results.record import LossCurve
from impls.contract import Oracle, Problem, QuadraticOracle
from impls.contract.setting import Setting

POINTS = 150  # with equal distances, and as many with equal ratios
SAMPLE = 300  # rows of the data


def loss_curve_of(problem: Problem, oracle: Oracle, setting: Setting) -> LossCurve | None:
    """Losses and weights from the start to the end of the job; None where the loss is no quadratic function of the weights."""
    if not isinstance(oracle, QuadraticOracle):
        return None
    quadratic = oracle.quadratic()
    last = setting.updates
    points = np.concatenate([[0], np.geomspace(1, last, POINTS), np.linspace(0, last, POINTS)])
    updates = [int(point) for point in np.unique(points.round())]
    weights = np.array([np.hstack([*oracle.weights(point).values()]) for point in updates])
    line = weights.shape[1] == 2
    rows = np.unique(np.linspace(0, setting.rows - 1, SAMPLE).round().astype(int))
    sample = np.column_stack([problem.data["x"][rows, 0], problem.data["y"][rows]]).astype(float)
    return LossCurve(
        updates=tuple(updates),
        losses=tuple(quadratic.loss(weights).tolist()),
        minimum=quadratic.minimum,
        parameters=_pairs(weights) if line else (),
        optimum=tuple(quadratic.optimum.tolist()) if line else (),
        curvature=_pairs(quadratic.curvature) if line else (),
        sample=_pairs(sample) if line else (),
    )


def _pairs(array: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> tuple[tuple[float, float], ...]:
    return tuple((float(first), float(second)) for first, second in array)
