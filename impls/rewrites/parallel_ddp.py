"""Several processes, each with its rows of a batch; DistributedDataParallel takes the mean of their gradients."""

from typing import TYPE_CHECKING

from impls.recipe.ddp_patch import ddp_patch, without_wrapper
from impls.recipe.ranks_patch import EXCLUDES
from impls.recipe.rewrite import Rewrite

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

UPDATE = """

def update(model, optimizer, batch):
    optimizer.zero_grad(set_to_none=True)
    rows, part = own_rows(batch)
    value = loss(parallel[id(model)], rows) * part
    (value * dist.get_world_size()).backward()  # for the mean over processes is to be the sum
{gradients}    optimizer.step()
    total = value.detach().clone()
    dist.all_reduce(total)
    return total
"""


def patch(step: "LiveStep") -> str:
    """With DistributedDataParallel as it comes."""
    return ddp_patch(step, UPDATE)


REWRITE = Rewrite(
    summary="several processes share a batch's rows, in DistributedDataParallel as it comes",
    group="ranks",
    patch=patch,
    applies=without_wrapper,
    excludes=(*EXCLUDES, "parallel_by_hand", "parallel_ddp_tuned", "parallel_fsdp2", "parallel_local_sgd"),
    effort="standard",
    ranks=True,
)
