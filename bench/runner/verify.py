"""Verifies the answers of arms by the oracle, in float64 and after the clock has stopped. Does not load torch."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bench.messages.commands import ArmWeights
from bench.results.record import Judgement
from impls.contract import Oracle
from impls.contract.setting import Setting

KEPT = 4  # numbers of an answer that a judgement keeps: enough to draw the path of a line's weights


def judge(answer: ArmWeights, oracle: Oracle, setting: Setting, own_tolerance: float | None) -> Judgement:
    """The judgement of an answer: right where it is within the tolerance in every number, on its device, in its dtype.

    own_tolerance  relative to the answer's largest number, for an implementation that is approximate by nature
    """
    exact, allowed = oracle.weights(answer.updates), oracle.tolerance(answer.updates)
    if own_tolerance is not None:
        allowed = {name: np.full_like(exact[name], own_tolerance * np.abs(exact[name]).max()) for name in exact}
    weights = {name: np.asarray(value, dtype=np.float64) for name, value in answer.weights.items()}
    fault = _misplaced(answer, setting) or _misshapen(weights, exact)
    if fault is None and not all(np.isfinite(value).all() for value in weights.values()):
        fault = f"after {answer.updates} updates the weights are not finite numbers"
    if fault:
        return _judgement(answer, None, None, _largest(allowed), fault)
    distance = np.concatenate([np.abs(weights[name] - exact[name]).ravel() for name in exact])
    tolerance = np.concatenate([allowed[name].ravel() for name in exact])
    worst = int(np.argmax(distance / np.maximum(tolerance, 1e-300)))
    if distance[worst] > tolerance[worst]:
        fault = (
            f"after {answer.updates} updates a weight is {distance[worst]:.2g} away from the oracle; "
            f"rounding explains at most {tolerance[worst]:.2g}"
        )
    return _judgement(answer, oracle.loss(weights), float(distance[worst]), float(tolerance[worst]), fault)


def _misplaced(answer: ArmWeights, setting: Setting) -> str | None:
    if answer.devices != (setting.device,):
        return f"the answer lies on {' and '.join(answer.devices)}; the setting says {setting.device}"
    if answer.dtypes != (setting.dtype,):
        return f"the answer is {' and '.join(answer.dtypes)}; the setting says {setting.dtype}"
    return None


def _misshapen(weights: Mapping[str, Any], exact: Mapping[str, Any]) -> str | None:
    shapes = {name: value.shape for name, value in weights.items()}
    expected = {name: value.shape for name, value in exact.items()}
    return None if shapes == expected else f"the answer has shapes {shapes}; it should have {expected}"


def _largest(allowed: Mapping[str, Any]) -> float:
    return float(max(value.max() for value in allowed.values()))


def _judgement(
    answer: ArmWeights, loss: float | None, distance: float | None, tolerance: float, fault: str | None
) -> Judgement:
    numbers = sum(np.size(value) for value in answer.weights.values())
    return Judgement(
        when=answer.when,
        updates=answer.updates,
        loss=loss,
        distance=distance,
        tolerance=tolerance,
        fault=fault,
        weights=answer.weights if numbers <= KEPT else None,
    )
