"""The loss and its gradients in one compiled graph, so that nothing has to be kept between two."""

from typing import TYPE_CHECKING

from impls.recipe.compile_patch import compile_options
from impls.recipe.rewrite import Rewrite
from impls.recipe.update_patch import gradients_call
from impls.rewrites.autograd_grad import REWRITE as AUTOGRAD_GRAD

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

PATCH = """
import torch


def loss_and_gradients(model, batch, parameters):
    value = loss(model, batch)
    return value.detach(), torch.autograd.grad(value, parameters, allow_unused=True)


compiled_gradients = torch.compile(loss_and_gradients, {options})


def update(model, optimizer, batch):
    parameters = [one for group in optimizer.param_groups for one in group["params"] if one.requires_grad]
    with torch._dynamo.config.patch(trace_autograd_ops=True):  # else the graph breaks at autograd.grad
        value, made = compiled_gradients(model, batch, parameters)
    for parameter, gradient in zip(parameters, made):
        parameter.grad = gradient
{gradients}    optimizer.step()
    return value
"""


def patch(step: "LiveStep") -> str:
    """With a call of `gradients` where the file has it."""
    return PATCH.format(gradients=gradients_call(step), options=compile_options(step))


def applies(step: "LiveStep") -> str | None:
    """Only to the default update, and not around torch's recurrent modules."""
    from torch import nn

    for part in (part for module in step.modules.values() for part in module.modules()):
        if isinstance(part, nn.RNNBase):
            return f"torch.compile does not trace nn.{type(part).__name__}, and the graph would break before its loss"
    return AUTOGRAD_GRAD.applies(step)


REWRITE = Rewrite(
    summary="torch.compile makes one graph of the loss and its gradients, by torch.autograd.grad inside of it",
    group="compile",
    patch=patch,
    applies=applies,
    excludes=(
        "accumulation",
        "autograd_grad",
        "checkpointing",
        "compile_regions",
        "compiled_autograd",
        "functional_gradients",
        "whole_graph",
        "zeroed_gradients",
    ),
    compiles=True,
)
