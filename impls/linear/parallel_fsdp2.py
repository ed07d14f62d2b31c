"""Several processes, each with its rows and its part of the parameters: FSDP2, torch's fully_shard."""

from collections.abc import Mapping
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import distribute_tensor

from impls.linear.parallel_ddp import ParallelDDP


class ParallelFSDP2(ParallelDDP):
    """A weight of one row lies with the first rank as a whole: a model of this size has nothing to be sharded."""

    def _parallel(self) -> nn.Module:
        self.mesh = init_device_mesh(self.task.setting.device, (dist.get_world_size(),))
        fully_shard(self.model, mesh=self.mesh)
        return self.model

    def reset(self) -> None:
        start = {"weight": self.task.start["weight"].unsqueeze(0), "bias": self.task.start["bias"].reshape(1)}
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                part: Any = parameter
                part.copy_(distribute_tensor(start[name], self.mesh, part.placements))
        self.optimizer.zero_grad()
        self.batches = self.task.batches(*self.columns)

    def weights(self) -> Mapping[str, Tensor]:
        whole: Any = dict(self.model.named_parameters())
        return {name: part.full_tensor().detach()[0] for name, part in whole.items()}
