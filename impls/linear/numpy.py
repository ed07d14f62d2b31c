"""The same gradient in NumPy: the cost of the job without PyTorch."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from impls.contract import Domain, Implementation, Task


class NumPy(Implementation):
    """Works on the task's own memory; scalars keep the task's dtype, so that float32 stays float32."""

    domain = Domain(devices=("cpu",))

    def __init__(self, task: Task) -> None:
        self.task = task
        self.x, self.y = task.data["x"].numpy(), task.data["y"].numpy()
        self.step = self.x.dtype.type(task.step)

    def reset(self) -> None:
        self.weight = self.task.start["weight"].numpy().copy()
        self.bias = self.task.start["bias"].numpy()[()]
        self.batches = self.task.batches(self.x, self.y)

    def advance(self, updates: int) -> None:
        weight, bias, step = self.weight, self.bias, self.step
        for _ in range(updates):
            x, y = next(self.batches)
            residual = x @ weight
            residual += bias - y
            weight = weight - step * (residual @ x)
            bias = bias - step * residual.sum()
        self.weight, self.bias = weight, bias

    def weights(self) -> Mapping[str, Tensor]:
        return {"weight": torch.from_numpy(self.weight), "bias": torch.from_numpy(np.asarray(self.bias))}
