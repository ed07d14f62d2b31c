"""Several processes, each with its rows of a batch; DistributedDataParallel takes the mean of their gradients."""

from typing import TYPE_CHECKING

from impls.recipe.ddp_patch import ddp_patch, mean_update, without_wrapper
from impls.recipe.ranks_patch import EXCLUDES
from impls.recipe.rewrite import Rewrite

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep


def patch(step: "LiveStep") -> str:
    """With DistributedDataParallel as it comes."""
    return ddp_patch(step, mean_update("parallel[id(model)]"))


REWRITE = Rewrite(
    summary="several processes share a batch's rows, in DistributedDataParallel as it comes",
    group="ranks",
    patch=patch,
    applies=without_wrapper,
    excludes=EXCLUDES,
    effort="standard",
    ranks=True,
)
