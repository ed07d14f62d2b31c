"""Several processes, each with its rows: nn.Linear in DistributedDataParallel as it comes, and SGD."""

from typing import Any, ClassVar

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from impls.contract import Domain, Task
from impls.contract.ranks import own_rows
from impls.linear.nn_sgd import ModuleWithSGD


class ParallelDDP(ModuleWithSGD):
    """Each rank's loss is the sum over its rows, over those of the whole batch, so that the sum of all is the batch's loss."""

    domain = Domain(modes={"eager": "standard"}, batches=("full", "mini"), ranks=True)
    options: ClassVar[dict[str, Any]] = {}

    def __init__(self, task: Task) -> None:
        super().__init__(own_rows(task))
        parallel = self._parallel()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=task.lr)  # of the parameters as they are shared
        self.step = self.optimizer.step
        squares = nn.MSELoss(reduction="sum")
        part = dist.get_world_size() / (task.setting.batch_rows if task.loss == "mean" else 1)
        self.loss = lambda x, y: squares(parallel(x), y) * part

    def _parallel(self) -> nn.Module:
        """The model as the ranks share it: they take the mean of their gradients."""
        return DistributedDataParallel(self.model, **self.options)
