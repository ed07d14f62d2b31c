"""By hand in the supported way: backward() on two plain tensors, updated in place under no_grad, gradients set to None."""

from collections.abc import Mapping

import torch
from torch import Tensor

from impls.contract import Domain, Implementation, Task


class NoGrad(Implementation):
    """The cost of autograd alone, without module, optimizer or design matrix. In compile mode the loss is compiled."""

    domain = Domain(modes={"eager": "quick", "compile": "thorough"})

    def __init__(self, task: Task) -> None:
        self.task = task
        self.weight = task.start["weight"].clone().requires_grad_()
        self.bias = task.start["bias"].clone().requires_grad_()
        self.loss = task.compile(self._loss)

    def reset(self) -> None:
        for name, parameter in (("weight", self.weight), ("bias", self.bias)):
            parameter.data.copy_(self.task.start[name])
            parameter.grad = None
        self.batches = self.task.batches(self.task.data["x"], self.task.data["y"])

    def advance(self, updates: int) -> None:
        lr = self.task.lr
        for _ in range(updates):
            self.loss(self.weight, self.bias, *next(self.batches)).backward()
            with torch.no_grad():
                for parameter in (self.weight, self.bias):
                    parameter.sub_(parameter.grad, alpha=lr)  # type: ignore[arg-type]  # backward() has set it
                    parameter.grad = None

    def weights(self) -> Mapping[str, Tensor]:
        return {"weight": self.weight.detach(), "bias": self.bias.detach()}

    def _loss(self, weight: Tensor, bias: Tensor, x: Tensor, y: Tensor) -> Tensor:
        squares = (x @ weight + bias - y).square()
        return squares.mean() if self.task.loss == "mean" else squares.sum()
