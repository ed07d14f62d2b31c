"""Several processes, each with its rows: one all-reduce adds up the sums that the gradient is made of."""

from collections.abc import Mapping

import torch
import torch.distributed as dist
from torch import Tensor

from impls.contract import Domain, Implementation, Task
from impls.contract.ranks import own_rows


class ParallelByHand(Implementation):
    """With residuals r the gradient is made of x'r and sum(r): `features` + 1 numbers go around in each update."""

    domain = Domain(modes={"eager": "standard"}, batches=("full", "mini"), ranks=True)

    def __init__(self, task: Task) -> None:
        self.task, self.step = own_rows(task), task.step
        start = task.start["weight"]
        self.parameters = torch.empty(len(start) + 1, dtype=start.dtype, device=start.device)
        self.weight, self.bias = self.parameters[:-1], self.parameters[-1]
        self.sums = torch.empty_like(self.parameters)

    def reset(self) -> None:
        self.weight.copy_(self.task.start["weight"])
        self.bias.copy_(self.task.start["bias"])
        self.batches = self.task.batches(self.task.data["x"], self.task.data["y"])

    @torch.no_grad()
    def advance(self, updates: int) -> None:
        sums, parameters = self.sums, self.parameters
        for _ in range(updates):
            x, y = next(self.batches)
            residual = x.mv(self.weight) + (self.bias - y)
            torch.mv(x.t(), residual, out=sums[:-1])
            torch.sum(residual, 0, out=sums[-1])
            dist.all_reduce(sums)
            parameters.sub_(sums, alpha=self.step)

    def weights(self) -> Mapping[str, Tensor]:
        return {"weight": self.weight, "bias": self.bias}
