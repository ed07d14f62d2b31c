"""Gradients by torch.func: the loss as a function of its parameters, and `grad_and_value` of it."""

from typing import TYPE_CHECKING

from impls.recipe.rewrite import Rewrite
from impls.recipe.update_patch import carried, gradients_call, without_loss, without_module

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

PATCH = """
import functools

import torch


class LossOf(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model
        self.forward = lambda batch: loss(model, batch)


def update(model, optimizer, batch):
    whole = LossOf(model)
    trained = {{name: one for name, one in whole.named_parameters() if one.requires_grad}}
    buffers = dict(whole.named_buffers())  # handed in as well: BatchNorm writes into them
    value_of = functools.partial(torch.func.functional_call, whole)
    gradient, value = torch.func.grad_and_value(lambda *tensors: value_of(tensors, (batch,)))(trained, buffers)
    for name, parameter in trained.items():
        parameter.grad = gradient[name]
{gradients}    optimizer.step()
    return value.detach()
"""


def patch(step: "LiveStep") -> str:
    """With a call of `gradients` where the file has it."""
    return PATCH.format(gradients=gradients_call(step))


def applies(step: "LiveStep") -> str | None:
    """Only to the default update of one module that keeps no tensors of its own, after a dry run."""
    from impls.recipe.dry_run import failure

    if step.facts.sparse:
        return f"the gradient of {step.facts.sparse[0]} is sparse, and torch.func makes dense ones"
    return without_loss(step) or without_module(step) or carried(step) or failure(step, patch(step))


REWRITE = Rewrite(
    summary="torch.func takes the gradient of the loss as a function of the parameters",
    group="gradients",
    patch=patch,
    applies=applies,
    excludes=("accumulation", "autograd_grad"),
    effort="standard",
)
