"""Several processes make updates of their own, each on its rows, and take the mean of their parameters now and then."""

from typing import TYPE_CHECKING

from impls.recipe.ranks_patch import EXCLUDES, ranks_patch, undivided
from impls.recipe.rewrite import Rewrite
from impls.recipe.update_patch import gradients_call, without_module

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

PERIOD = 8  # updates from one mean to the next; the first mean is taken after two updates
UPDATE = """

def update(model, optimizer, batch):
    optimizer.zero_grad(set_to_none=True)
    rows, _ = own_rows(batch)
    value = loss(model, rows)
    value.backward()
{gradients}    optimizer.step()
    optimizer.own_updates = getattr(optimizer, "own_updates", PERIOD - 2) + 1
    if optimizer.own_updates % PERIOD == 0:
        with torch.no_grad():
            trained = [one for group in optimizer.param_groups for one in group["params"]]
            flat = torch.cat([one.reshape(-1) for one in trained])
            flat *= shares_of_ranks[dist.get_rank()] / sum(shares_of_ranks)
            dist.all_reduce(flat)
            for one, mean in zip(trained, flat.split([one.numel() for one in trained])):
                one.copy_(mean.view_as(one))
    return value.detach()
"""
ALONE = """
import copy

import torch

shares_of_ranks = [1] * {others} + [2]
optimizer_before_alone = optimizer


def optimizer(model, **parameters):
    made = optimizer_before_alone(model, **parameters)
    made.of_others = [copy.deepcopy((model, made)) for _ in range({others})]
    return made


def own_update(model, optimizer, batch, first, last):
    optimizer.zero_grad(set_to_none=True)
    leaves, layout = torch.utils._pytree.tree_flatten(batch)
    value = loss(model, torch.utils._pytree.tree_unflatten([leaf[first:last] for leaf in leaves], layout))
    value.backward()
{gradients}    optimizer.step()
    return value.detach()


def update(model, optimizer, batch):
    rows, every = len(torch.utils._pytree.tree_leaves(batch)[0]), sum(shares_of_ranks)
    cuts = [rows * sum(shares_of_ranks[:number]) // every for number in range({others} + 2)]
    ranks = [(model, optimizer), *optimizer.of_others]
    values = [own_update(*one, batch, *cuts[number : number + 2]) for number, one in enumerate(ranks)]
    optimizer.own_updates = getattr(optimizer, "own_updates", {period} - 2) + 1
    if optimizer.own_updates % {period} == 0:
        with torch.no_grad():
            for same in zip(*([one for group in of.param_groups for one in group["params"]] for _, of in ranks)):
                mean = sum(one * (share / every) for one, share in zip(same, shares_of_ranks))
                for one in same:
                    one.copy_(mean)
    return values[0]
"""


def patch(step: "LiveStep") -> str:
    """The rows of each process, and updates that are its own but for the mean."""
    return ranks_patch(step, UPDATE.replace("PERIOD", str(PERIOD)))


def alone(step: "LiveStep") -> str:
    """The same in one process, which holds a copy of model and optimizer for each of the others.

    Rows are dealt out as unevenly as they are to the processes whose updates are judged.
    """
    others = max(2, step.setting.threads) - 1
    return ALONE.format(others=others, period=PERIOD, gradients=gradients_call(step))


def applies(step: "LiveStep") -> str | None:
    """Only to one module whose rows can be dealt out."""
    return without_module(step) or undivided(step)


REWRITE = Rewrite(
    summary="several processes make updates of their own, and take the mean of their parameters after every eight",
    group="ranks",
    patch=patch,
    alone=alone,
    applies=applies,
    excludes=EXCLUDES,
    effort="standard",
    ranks=True,
)
