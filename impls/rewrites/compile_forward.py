"""The model's forward pass compiled, and with it the backward pass that belongs to it."""

from typing import TYPE_CHECKING

from impls.recipe.compile_patch import compile_options, nets
from impls.recipe.rewrite import Rewrite

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

PATCH = '''
import torch

model_before_compile_forward = model


def model(**parameters):
    made = model_before_compile_forward(**parameters)
    for net in {nets}:
        net.forward = compiled(net.forward)
    return made


def compiled(forward):
    """In a function, for torch.compile leaves torch's own forward as it is, say that of nn.Sequential, without a word."""
    return torch.compile(lambda *inputs, **named: forward(*inputs, **named), {options})
'''


def patch(step: "LiveStep") -> str:
    """The lines for this step's modules."""
    return PATCH.format(nets=nets(step), options=compile_options(step))


def applies(step: "LiveStep") -> str | None:
    """Only where there are modules to be called."""
    return None if nets(step) else "the model is no torch.nn.Module, nor a list or dict of them"


REWRITE = Rewrite(
    summary="torch.compile makes one graph of the model's forward pass, and one of its backward pass",
    group="compile",
    patch=patch,
    applies=applies,
    excludes=("compile_gradients", "compile_loss", "compile_regions", "compiled_autograd", "whole_graph"),
    effort="standard",
    compiles=True,
)
