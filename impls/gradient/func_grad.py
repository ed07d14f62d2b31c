"""torch.func.grad: makes a function that returns the gradient, which torch.compile can compile as a whole."""

from collections.abc import Mapping

import torch
from torch import Tensor

from impls.contract import Domain, Implementation, Task


class FuncGrad(Implementation):
    """The value is an auxiliary output beside the gradient, so that it is not computed twice."""

    domain = Domain(modes={"eager": "quick", "compile": "standard"})

    def __init__(self, task: Task) -> None:
        self.task = task
        self.evaluate = task.compile(torch.func.grad(self._norm, has_aux=True))

    def reset(self) -> None:
        self.value, self.gradient = self.task.start["value"], self.task.start["gradient"]

    def advance(self, updates: int) -> None:
        for _ in range(updates):
            self.gradient, self.value = self.evaluate(self.task.data["x"])

    def weights(self) -> Mapping[str, Tensor]:
        return {"value": self.value, "gradient": self.gradient}

    @staticmethod
    def _norm(x: Tensor) -> tuple[Tensor, Tensor]:
        y = torch.linalg.vector_norm(4 * x)
        return y, y
