"""The whole update as one graph with autograd inside it: the compiler traces the backward pass too."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from impls.contract import Domain, Implementation, Task


class TracedGradient(Implementation):
    """torch.autograd.grad inside the compiled function, behind `trace_autograd_ops`, which is off by default.

    The parameters are leaves and inputs of the graph, changed in place; nothing that autograd recorded leaves it.
    """

    domain = Domain(modes={"compile": "standard", "cpp-wrapper": "thorough"})

    def __init__(self, task: Task) -> None:
        self.task = task
        # The bias is a vector of one: torch 2.13 drops changes made in place to a float64 scalar on the CPU.
        start = (task.start["weight"].clone(), task.start["bias"].clone().reshape(1))
        self.parameters = tuple(each.requires_grad_() for each in start)
        self.update = task.compile(self._update)

    def reset(self) -> None:
        for name, parameter in zip(("weight", "bias"), self.parameters, strict=True):
            parameter.data.copy_(self.task.start[name])
        self.batches = self.task.batches(self.task.data["x"], self.task.data["y"])

    def advance(self, updates: int) -> None:
        config: Any = torch._dynamo.config
        with config.patch(trace_autograd_ops=True):
            for _ in range(updates):
                self.update(*self.parameters, *next(self.batches))

    def weights(self) -> Mapping[str, Tensor]:
        weight, bias = self.parameters
        return {"weight": weight.detach(), "bias": bias.detach()[0]}

    def _update(self, weight: Tensor, bias: Tensor, x: Tensor, y: Tensor) -> None:
        squares = ((x * weight).sum(1) + bias - y).square()
        loss = squares.mean() if self.task.loss == "mean" else squares.sum()
        gradients = torch.autograd.grad(loss, (weight, bias))
        with torch.no_grad():
            weight.sub_(gradients[0], alpha=self.task.lr)
            bias.sub_(gradients[1], alpha=self.task.lr)
