"""Floor: only a barrier of all processes, once in each update: they wait for each other, and nothing is sent but that."""

import torch.distributed as dist

from impls.contract import Domain
from impls.linear.parallel_by_hand import ParallelByHand


class FloorProcessBarrier(ParallelByHand):
    """The least that processes cost which make an update together."""

    work = "floor"
    domain = Domain(modes={"eager": "quick"}, batches=("full", "mini"), ranks=True)

    def advance(self, updates: int) -> None:
        for _ in range(updates):
            dist.barrier()
