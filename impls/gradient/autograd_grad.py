"""torch.autograd.grad: the gradient is a returned value, and no .grad is written."""

from collections.abc import Mapping

import torch
from torch import Tensor

from impls.contract import Domain, Implementation, Task


class AutogradGrad(Implementation):
    """It need not write .grad, nor clear it."""

    domain = Domain(modes={"eager": "quick", "compile": "standard"})

    def __init__(self, task: Task) -> None:
        self.task = task
        self.x = task.data["x"].clone().requires_grad_()
        self.norm = task.compile(lambda x: torch.linalg.vector_norm(4 * x))

    def reset(self) -> None:
        self.value, self.gradient = self.task.start["value"], self.task.start["gradient"]

    def advance(self, updates: int) -> None:
        for _ in range(updates):
            y = self.norm(self.x)
            (self.gradient,) = torch.autograd.grad(y, self.x)
        self.value = y.detach()

    def weights(self) -> Mapping[str, Tensor]:
        return {"value": self.value, "gradient": self.gradient}
