"""Several processes that share a batch's rows and hold a part of each parameter: FSDP2, torch's fully_shard."""

from typing import TYPE_CHECKING

from impls.recipe.ddp_patch import mean_update, without_wrapper
from impls.recipe.ranks_patch import EXCLUDES, ranks_patch
from impls.recipe.rewrite import Rewrite

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

LINES = """

from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import distribute_tensor

model_before_parallel, optimizer_before_parallel = model, optimizer
sharded = {}  # by parameter: the same, of which this process holds a part


def model(**parameters):
    made = model_before_parallel(**parameters)
    whole = dict(made.named_parameters())
    fully_shard(made, mesh=init_device_mesh(next(iter(whole.values())).device.type, (dist.get_world_size(),)))
    sharded.update({id(whole[name]): (whole[name], part) for name, part in made.named_parameters()})
    return made


def optimizer(model, **parameters):
    made = optimizer_before_parallel(model, **parameters)
    for group in made.param_groups:
        group["params"] = [sharded[id(one)][1] if id(one) in sharded else one for one in group["params"]]
    for whole, part in sharded.values():  # of an optimizer that has made updates before
        for name, value in made.state.pop(whole, {}).items():
            alike = isinstance(value, torch.Tensor) and value.shape == part.shape
            made.state[part][name] = distribute_tensor(value, part.device_mesh, part.placements) if alike else value
    return made
"""


def patch(step: "LiveStep") -> str:
    """The whole model is one unit that is sharded."""
    return ranks_patch(step, LINES + mean_update("model"))


REWRITE = Rewrite(
    summary="several processes share a batch's rows and the parameters themselves, by fully_shard (FSDP2)",
    group="ranks",
    patch=patch,
    applies=without_wrapper,
    excludes=EXCLUDES,
    effort="standard",
    ranks=True,
)
