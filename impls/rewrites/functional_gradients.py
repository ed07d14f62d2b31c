"""Gradients by torch.func: the loss as a function of its parameters, and `grad_and_value` of it."""

from typing import TYPE_CHECKING

from impls.recipe.rewrite import Rewrite
from impls.recipe.update_patch import gradients_call, without_loss

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

PATCH = """
import functools

import torch


class LossOf(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, batch):
        return loss(self.model, batch)


@functools.cache
def parts_of(model):
    whole = LossOf(model)
    trained = {{name: one for name, one in whole.named_parameters() if one.requires_grad}}
    return whole, trained, dict(whole.named_buffers())


def update(model, optimizer, batch):
    whole, trained, buffers = parts_of(model)

    def value_of(trained, buffers, batch):  # of the buffers too: BatchNorm writes into them
        return torch.func.functional_call(whole, (trained, buffers), (batch,))

    gradient, value = torch.func.grad_and_value(value_of)(trained, buffers, batch)
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

    if reason := without_loss(step):
        return reason
    if list(step.modules) != [""]:
        return "torch.func needs one torch.nn.Module: let `model` return one"
    if step.facts.sparse:
        return f"the gradient of {step.facts.sparse[0]} is sparse, and torch.func makes dense ones"
    if step.facts.replaced:
        return (
            f"the model keeps a tensor from update to update ({step.facts.replaced[0]}): torch.func may not leave one"
        )
    return failure(step, patch(step))


REWRITE = Rewrite(
    summary="torch.func takes the gradient of the loss as a function of the parameters",
    group="gradients",
    patch=patch,
    applies=applies,
    excludes=("accumulation", "autograd_grad"),
    effort="standard",
)
