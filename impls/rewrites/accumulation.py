"""Gradients of the two halves of a batch are added up before the optimizer steps: half the activations at a time."""

from typing import TYPE_CHECKING

from impls.recipe.rewrite import Rewrite
from impls.recipe.update_patch import carried, gradients_call, without_loss

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

PATCH = """
import torch


def update(model, optimizer, batch):
    optimizer.zero_grad(set_to_none=True)
    leaves, layout = torch.utils._pytree.tree_flatten(batch)
    total = 0.0
    for half in zip(*(leaf.chunk(2) for leaf in leaves)):
        value = loss(model, torch.utils._pytree.tree_unflatten(half, layout)) / 2
        value.backward()
        total = total + value.detach()
{gradients}    optimizer.step()
    return total
"""


def patch(step: "LiveStep") -> str:
    """With a call of `gradients` where the file has it."""
    return PATCH.format(gradients=gradients_call(step))


def applies(step: "LiveStep") -> str | None:
    """Only where a batch is an even number of examples, of which no update remembers how many there were."""
    from impls.recipe.dry_run import failure
    from impls.recipe.facts import rows_of

    if reason := without_loss(step) or carried(step):
        return reason
    rows = rows_of(step.batches[0])
    if not rows:
        return "its batches cannot be halved: their tensors have not all the same number of rows"
    if rows % 2:
        return f"its batches of {rows} rows have no equal halves: take an even number"
    return failure(step, patch(step))


REWRITE = Rewrite(
    summary="the gradients of the two halves of a batch are added up",
    group="memory",
    patch=patch,
    applies=applies,
    excludes=("autograd_grad", "functional_gradients", "zeroed_gradients", "fp16_autocast"),
    effort="standard",
)
