"""The written-out gradient in place, on addresses that never change: no allocations, as CUDA graphs require."""

from collections.abc import Mapping

import torch
from torch import Tensor

from impls.contract import Domain, Implementation, Task


class InPlace(Implementation):
    """The residual has a buffer of its own. In the modes with CUDA graphs, only fixed addresses may be changed."""

    domain = Domain(
        modes={"eager": "thorough", "compile": "thorough", "reduce-overhead": "thorough", "max-autotune": "thorough"}
    )

    def __init__(self, task: Task) -> None:
        self.task, self.step = task, task.step
        # The bias is a vector of one: torch 2.13 drops changes that compiled code makes in place to a float64 scalar.
        self.weight, self.bias = task.start["weight"].clone(), task.start["bias"].clone().reshape(1)
        self.residual = torch.empty_like(task.data["y"][: task.setting.batch_rows])
        if task.setting.mode != "eager":
            for fixed in (self.weight, self.bias, self.residual):
                torch._dynamo.mark_static_address(fixed)
        self.update = task.compile(self._update)

    def reset(self) -> None:
        self.weight.copy_(self.task.start["weight"])
        self.bias.copy_(self.task.start["bias"])
        self.batches = self.task.batches(self.task.data["x"], self.task.data["y"])

    @torch.no_grad()
    def advance(self, updates: int) -> None:
        for _ in range(updates):
            self.update(self.weight, self.bias, self.residual, *next(self.batches))

    def weights(self) -> Mapping[str, Tensor]:
        return {"weight": self.weight, "bias": self.bias[0]}

    def _update(self, weight: Tensor, bias: Tensor, residual: Tensor, x: Tensor, y: Tensor) -> None:
        torch.mv(x, weight, out=residual)
        residual.sub_(y).add_(bias)
        weight.sub_(residual @ x, alpha=self.step)
        bias.sub_(residual.sum(), alpha=self.step)
