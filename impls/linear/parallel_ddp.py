"""Several processes, each with its rows: nn.Linear in DistributedDataParallel as it comes, and SGD."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from impls.contract import Domain, Implementation, Task
from impls.contract.ranks import own_rows


class ParallelDDP(Implementation):
    """Each rank's loss is the sum over its rows, over those of the whole batch, so that the sum of all is the batch's loss."""

    domain = Domain(modes={"eager": "standard"}, batches=("full", "mini"), ranks=True)
    options: ClassVar[dict[str, Any]] = {}

    def __init__(self, task: Task) -> None:
        self.task = own_rows(task)
        x, y = self.task.data["x"], self.task.data["y"].unsqueeze(1)
        self.columns = (x, y)
        self.model = nn.Linear(x.shape[1], 1, dtype=x.dtype, device=x.device)
        self.parallel = self._parallel()
        self.criterion = nn.MSELoss(reduction="sum")
        self.part = dist.get_world_size() / (task.setting.batch_rows if task.loss == "mean" else 1)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=task.lr)

    def _parallel(self) -> nn.Module:
        """The model as the ranks share it: they take the mean of their gradients."""
        return DistributedDataParallel(self.model, **self.options)

    def reset(self) -> None:
        with torch.no_grad():
            self.model.weight.copy_(self.task.start["weight"])
            self.model.bias.copy_(self.task.start["bias"])
        self.optimizer.zero_grad()
        self.batches = self.task.batches(*self.columns)

    def advance(self, updates: int) -> None:
        for _ in range(updates):
            x, y = next(self.batches)
            loss = self.criterion(self.parallel(x), y) * self.part
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()

    def weights(self) -> Mapping[str, Tensor]:
        return {"weight": self.model.weight.detach()[0], "bias": self.model.bias.detach()[0]}
