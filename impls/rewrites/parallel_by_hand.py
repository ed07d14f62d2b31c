"""Several processes, each with its rows of a batch; one all-reduce adds up all gradients in one buffer."""

from typing import TYPE_CHECKING

from impls.recipe.ranks_patch import EXCLUDES, ranks_patch, undivided
from impls.recipe.rewrite import Rewrite

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

UPDATE = """

def update(model, optimizer, batch):
    optimizer.zero_grad(set_to_none=True)
    rows, part = own_rows(batch)
    value = loss(model, rows) * part
    value.backward()
    trained = [one for group in optimizer.param_groups for one in group["params"] if one.grad is not None]
    flat = torch.cat([*(one.grad.reshape(-1) for one in trained), value.detach().reshape(1)])
    dist.all_reduce(flat)
    for one, total in zip(trained, flat.split([one.numel() for one in trained] + [1])):
        one.grad = total.view_as(one)
{gradients}    optimizer.step()
    return flat[-1]
"""


def patch(step: "LiveStep") -> str:
    """The rows of each process, and the update that adds up what they computed."""
    return ranks_patch(step, UPDATE)


REWRITE = Rewrite(
    summary="several processes share a batch's rows, and add up their gradients in one buffer",
    group="ranks",
    patch=patch,
    applies=undivided,
    excludes=EXCLUDES,
    effort="standard",
    ranks=True,
)
