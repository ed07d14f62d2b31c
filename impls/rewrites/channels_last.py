"""Images with their channels innermost in memory, the layout in which convolutions are fastest."""

from typing import TYPE_CHECKING

from impls.recipe.optimizer_patch import unreachable
from impls.recipe.rewrite import Rewrite
from impls.recipe.update_patch import without_module

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

PATCH = """
import torch

model_before_channels_last, optimizer_before_channels_last = model, optimizer
batches_before_channels_last = batches


def channels_last(value):
    if not isinstance(value, torch.Tensor) or value.dim() != 4 or not value.is_floating_point():
        return value
    return value.contiguous(memory_format=torch.channels_last)


def model(**parameters):
    return model_before_channels_last(**parameters).to(memory_format=torch.channels_last)


def optimizer(model, **parameters):
    made = optimizer_before_channels_last(model, **parameters)
    for one in made.values() if isinstance(made, dict) else made if isinstance(made, list | tuple) else [made]:
        for state in one.state.values():  # momentum and the like lie as their parameter does
            state.update({name: channels_last(value) for name, value in state.items()})
    return made


def batches(seed, **parameters):
    for batch in batches_before_channels_last(seed, **parameters):
        yield torch.utils._pytree.tree_map(channels_last, batch)
"""


def applies(step: "LiveStep") -> str | None:
    """Only to convolutions over images."""
    from torch import nn

    if reason := without_module(step) or unreachable(step):
        return reason
    if not any(isinstance(part, nn.Conv2d | nn.ConvTranspose2d) for part in step.model.modules()):
        return "the model has no convolution over images"
    return None


REWRITE = Rewrite(
    summary="images and kernels lie in memory with their channels innermost",
    group="memory",
    patch=PATCH,
    applies=applies,
)
