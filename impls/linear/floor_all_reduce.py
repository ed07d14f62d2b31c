"""Floor: only the all-reduce of linear/parallel_by_hand, once in each update, of as many numbers."""

import torch.distributed as dist

from impls.contract import Domain
from impls.linear.parallel_by_hand import ParallelByHand


class FloorAllReduce(ParallelByHand):
    """Without it, no process would know the sums of the others."""

    work = "floor"
    domain = Domain(modes={"eager": "quick"}, batches=("full", "mini"), ranks=True)

    def advance(self, updates: int) -> None:
        self.sums.zero_()
        for _ in range(updates):
            dist.all_reduce(self.sums)
