"""Several processes, each with its rows, that make their own updates and take the mean of their weights now and then."""

from collections.abc import Mapping

import torch
import torch.distributed as dist
from torch import Tensor

from impls.contract import Domain, Implementation, Task
from impls.contract.setting import Setting

PERIOD = 8  # updates from one mean to the next
LEAST_ROWS = 1000  # of each rank: so many look much like all
CLOSE = 0.01  # of the weights: how far the mean of paths may be from the path of the mean


class ParallelLocalSGD(Implementation):
    """Local SGD. Its weights are near those of the job as far as the rows of each rank are like all: no rounding explains it.

    Rows are dealt out one by one in turn, so that each rank has some of everywhere.
    """

    work = "algorithmic"
    domain = Domain(modes={"eager": "standard"}, batches=("full",), ranks=True)

    def __init__(self, task: Task) -> None:
        rank, ranks = dist.get_rank(), dist.get_world_size()
        self.x, self.y = (task.data[name][rank::ranks].contiguous() for name in ("x", "y"))
        self.task, self.ranks = task, ranks
        self.step = task.step * (task.setting.rows / len(self.x) if task.loss == "mean" else ranks)
        start = task.start["weight"]
        self.parameters = torch.empty(len(start) + 1, dtype=start.dtype, device=start.device)
        self.weight, self.bias = self.parameters[:-1], self.parameters[-1]
        self.number = 0

    def reset(self) -> None:
        self.weight.copy_(self.task.start["weight"])
        self.bias.copy_(self.task.start["bias"])
        self.number = 0

    @torch.no_grad()
    def advance(self, updates: int) -> None:
        x, y = self.x, self.y
        for _ in range(updates):
            residual = x.mv(self.weight) + (self.bias - y)
            self.weight.sub_(residual @ x, alpha=self.step)
            self.bias.sub_(residual.sum(), alpha=self.step)
            self.number += 1
            if self.number % PERIOD == 0:
                self._mean(self.parameters)

    def _mean(self, parameters: Tensor) -> None:
        dist.all_reduce(parameters)
        parameters.div_(self.ranks)

    def weights(self) -> Mapping[str, Tensor]:
        mean = self.parameters.clone()
        self._mean(mean)
        return {"weight": mean[:-1], "bias": mean[-1]}

    @classmethod
    def supports(cls, setting: Setting) -> str | None:
        if setting.rows < LEAST_ROWS * setting.threads:
            return f"takes at least {LEAST_ROWS} rows for each process: fewer are not like all"
        return super().supports(setting)

    @classmethod
    def tolerance(cls, setting: Setting) -> float | None:
        """One per cent: the mean of paths is near the path of the mean, and not on it."""
        return CLOSE
