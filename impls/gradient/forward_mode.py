"""Forward mode: one directional derivative for each entry of x, in one batch. Its cost grows with the length of x."""

from collections.abc import Mapping

import torch
from torch import Tensor

from impls.contract import Domain, Implementation, Task


class ForwardMode(Implementation):
    """torch.func.jacfwd carries the unit vectors forward through the function; no gradient goes backward."""

    domain = Domain(modes={"eager": "quick", "compile": "standard"})

    def __init__(self, task: Task) -> None:
        self.task = task
        self.evaluate = task.compile(torch.func.jacfwd(self._norm, has_aux=True))

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
