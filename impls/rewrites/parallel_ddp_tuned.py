"""Several processes in DistributedDataParallel with one bucket, a static graph, and gradients that lie in the bucket."""

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
    total = value.detach().clone()
    adding = dist.all_reduce(total, async_op=True)  # while the gradients are computed
    (value * dist.get_world_size()).backward()  # for the mean over processes is to be the sum
{gradients}    optimizer.step()
    adding.wait()
    return total
"""
OPTIONS = """,
        static_graph=True,
        gradient_as_bucket_view=True,
        bucket_cap_mb=1 << 20,
        broadcast_buffers=False,
    """


def patch(step: "LiveStep") -> str:
    """With the options that save most."""
    return ddp_patch(step, UPDATE, "\n        made" + OPTIONS).replace(
        "Parallel(made\n        made", "Parallel(\n        made"
    )


REWRITE = Rewrite(
    summary="several processes in DistributedDataParallel with one bucket, a static graph and no copies",
    group="ranks",
    patch=patch,
    applies=without_wrapper,
    excludes=EXCLUDES,
    effort="standard",
    ranks=True,
)
