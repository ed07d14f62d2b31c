"""The gradient by formula, 4x / ||x||: the cost without automatic differentiation."""

from collections.abc import Mapping

import torch
from torch import Tensor

from impls.contract import Domain, Implementation, Task


class ByHand(Implementation):
    """With z = 4x and y = ||z||, dy/dx = 4 z / y."""

    domain = Domain(modes={"eager": "quick", "compile": "standard"})

    def __init__(self, task: Task) -> None:
        self.task = task
        self.evaluate = task.compile(self._evaluate)

    def reset(self) -> None:
        self.value, self.gradient = self.task.start["value"], self.task.start["gradient"]

    def advance(self, updates: int) -> None:
        for _ in range(updates):
            self.value, self.gradient = self.evaluate(self.task.data["x"])

    def weights(self) -> Mapping[str, Tensor]:
        return {"value": self.value, "gradient": self.gradient}

    @staticmethod
    def _evaluate(x: Tensor) -> tuple[Tensor, Tensor]:
        z = 4 * x
        y = torch.linalg.vector_norm(z)
        return y, 4 * z / y
