"""The tutorial's way: build the graph, call backward(), read .grad of the leaf. The reference."""

from collections.abc import Mapping

import torch
from torch import Tensor

from impls.contract import Domain, Implementation, Task


class Backward(Implementation):
    """Only the leaf x has a gradient; it is set to None before each evaluation, because backward() adds to it."""

    domain = Domain(modes={"eager": "quick", "compile": "standard"})

    def __init__(self, task: Task) -> None:
        self.task = task
        self.x = task.data["x"].clone().requires_grad_()
        self.norm = task.compile(lambda x: torch.linalg.vector_norm(4 * x))

    def reset(self) -> None:
        self.value, self.x.grad = self.task.start["value"], self.task.start["gradient"].clone()

    def advance(self, updates: int) -> None:
        for _ in range(updates):
            self.x.grad = None
            y = self.norm(self.x)
            y.backward()
        self.value = y.detach()

    def weights(self) -> Mapping[str, Tensor]:
        assert self.x.grad is not None
        return {"value": self.value, "gradient": self.x.grad}
