"""The gradient written out, without autograd: two matrix-vector products. In compile mode the whole update is one graph."""

from collections.abc import Mapping

import torch
from torch import Tensor

from impls.contract import Domain, Implementation, Task
from impls.contract.setting import Setting


class Analytic(Implementation):
    """With residuals r the gradient is s x'r for the weight, s sum(r) for the bias, s = 2 / batch or 2, task.step = lr s."""

    domain = Domain(
        modes={
            "eager": "quick",
            "compile": "standard",
            "cpp-wrapper": "thorough",
            "max-autotune": "thorough",
            "aot": "thorough",
        }
    )

    @classmethod
    def supports(cls, setting: Setting) -> str | None:
        if (setting.device, setting.mode) == ("cuda", "max-autotune"):
            return "its results become its inputs, which CUDA graphs overwrite: in_place can be compiled so"
        return super().supports(setting)

    def __init__(self, task: Task) -> None:
        self.task, self.step = task, task.step
        self.update = task.compile(self._update)

    def reset(self) -> None:
        self.weight = self.task.start["weight"].clone()
        self.bias = self.task.start["bias"].clone()
        self.batches = self.task.batches(self.task.data["x"], self.task.data["y"])

    @torch.no_grad()
    def advance(self, updates: int) -> None:
        for _ in range(updates):
            self.weight, self.bias = self.update(self.weight, self.bias, *next(self.batches))

    def weights(self) -> Mapping[str, Tensor]:
        return {"weight": self.weight, "bias": self.bias}

    def _update(self, weight: Tensor, bias: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        residual = x.mv(weight) + (bias - y)
        return weight - self.step * (residual @ x), bias - self.step * residual.sum()
