"""The written-out gradient, a hundred updates in one CUDA graph: one replay for all of them, no autograd."""

from collections.abc import Mapping

import torch
from torch import Tensor

from impls.contract import Domain, Implementation, Task
from impls.linear.cuda_graph import BatchesOnDevice, capture

TOGETHER = 100


class CUDAGraphSteps(Implementation):
    """Updates that are left over are replays of a graph of one."""

    domain = Domain(modes={"eager": "standard"}, devices=("cuda",))

    def __init__(self, task: Task) -> None:
        self.task = task
        self.weight, self.bias = task.start["weight"].clone(), task.start["bias"].clone()
        self.residual = torch.empty_like(task.data["y"][: task.setting.batch_rows])
        self.fetch = BatchesOnDevice(task, task.data["x"], task.data["y"])
        self.one, self.many = capture(self._update, 1), capture(self._update, TOGETHER)

    def reset(self) -> None:
        self.weight.copy_(self.task.start["weight"])
        self.bias.copy_(self.task.start["bias"])
        self.fetch.reset()

    def advance(self, updates: int) -> None:
        for _ in range(updates // TOGETHER):
            self.many.replay()
        for _ in range(updates % TOGETHER):
            self.one.replay()

    def weights(self) -> Mapping[str, Tensor]:
        return {"weight": self.weight, "bias": self.bias}

    def _update(self) -> None:
        x, y = self.fetch()
        torch.mv(x, self.weight, out=self.residual)
        self.residual.sub_(y).add_(self.bias)
        self.weight.sub_(self.residual @ x, alpha=self.task.step)
        self.bias.sub_(self.residual.sum(), alpha=self.task.step)
