"""Gradients by `torch.autograd.grad`, which returns them, instead of `backward`, which adds them up."""

from typing import TYPE_CHECKING

from impls.recipe.rewrite import Rewrite
from impls.recipe.update_patch import gradients_call, without_loss

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

PATCH = """
import torch


def update(model, optimizer, batch):
    parameters = [one for group in optimizer.param_groups for one in group["params"] if one.requires_grad]
    value = loss(model, batch)
    for parameter, gradient in zip(parameters, torch.autograd.grad(value, parameters, allow_unused=True)):
        parameter.grad = gradient
{gradients}    optimizer.step()
    return value.detach()
"""


def patch(step: "LiveStep") -> str:
    """With a call of `gradients` where the file has it."""
    return PATCH.format(gradients=gradients_call(step))


def applies(step: "LiveStep") -> str | None:
    """Only to the default update, and where no parameter waits for its gradient to be added up."""
    if reason := without_loss(step):
        return reason
    if any(getattr(parameter, "_post_accumulate_grad_hooks", None) for parameter in step.parameters):
        return "its parameters have hooks that run when a gradient is added up, which autograd.grad does not do"
    return None


REWRITE = Rewrite(
    summary="torch.autograd.grad returns the gradients, instead of backward() adding them up",
    group="gradients",
    patch=patch,
    applies=applies,
    excludes=("accumulation", "functional_gradients"),
)
