"""The tutorial's first example, the gradient of a norm, and its exact answer in float64. Loads no torch."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from impls.contract import Oracle, Problem
from impls.contract.schedule import Schedule
from impls.contract.setting import Setting, SettingError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class GradientOfNorm:
    """y = ||4x|| and dy/dx = 4x / ||x||; one update is one evaluation of both, so nothing is trained.

    The answer is {"value": (), "gradient": (features,)}. By default x = [1, 1]: 5.6569 and [2.8284, 2.8284].
    """

    name: str = "gradient/norm"
    summary: str = "y = ||4x|| and its gradient: the tutorial's autograd example; an update is one gradient"
    reference: str = "gradient/backward"

    def setting(self, **chosen: Any) -> Setting:
        setting = Setting(**{"rows": 1, "features": 2, "updates": 1000, "lr": 1.0} | chosen)
        if setting.rows != 1 or setting.batch != "full":
            raise SettingError(
                f"{self.name} has one row and no batches; got rows {setting.rows}, batch {setting.batch}. "
                "Its length is set by features."
            )
        if setting.watch != "none":
            raise SettingError(
                f"{self.name} trains nothing, so there is nothing to watch; got watch {setting.watch!r}."
            )
        return setting

    def problem(self, setting: Setting) -> Problem:
        x = 1 + (np.arange(setting.features) // 2) % 8 / 8  # [1, 1, 1.125, 1.125, ...]: exact in float32, [1, 1] first
        dtype = np.dtype(setting.dtype)
        return Problem(
            data={"x": x.astype(dtype)},
            start={"value": np.zeros((), dtype), "gradient": np.zeros(setting.features, dtype)},
            lr=setting.lr,
            loss="value",
            schedule=Schedule(order=None, updates_per_epoch=1),
            digest=hashlib.sha256(x.astype(np.float32).tobytes()).hexdigest(),
        )

    def oracle(self, problem: Problem, setting: Setting) -> Oracle:
        return _Oracle(problem, setting)


class _Oracle:
    """The norm and its gradient by formula, in float64."""

    def __init__(self, problem: Problem, setting: Setting) -> None:
        x = problem.data["x"].astype(np.float64)
        norm = np.linalg.norm(x)
        self._answer = {"value": np.asarray(4 * norm), "gradient": 4 * x / norm}
        self._unit = 2.0**-24 if setting.dtype == "float32" else 2.0**-53

    def weights(self, updates: int) -> dict[str, Floats]:
        """The answer; before the first update there is none yet, and it is all zeros."""
        return {name: exact * (updates > 0) for name, exact in self._answer.items()}

    def tolerance(self, updates: int) -> dict[str, Floats]:
        """The rounding of a sum of squares, (sqrt(n) + log2(n)) * u, halved by the root, and six single roundings."""
        length = len(self._answer["gradient"])
        relative = ((np.sqrt(length) + np.log2(length)) / 2 + 6) * self._unit
        return {name: relative * np.abs(exact) for name, exact in self._answer.items()}

    def loss(self, weights: Mapping[str, Floats]) -> float:
        return float(weights["value"])


WORKLOADS = (GradientOfNorm(),)
