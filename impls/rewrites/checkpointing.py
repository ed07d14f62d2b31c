"""Activations of whole blocks are thrown away, and computed once more for the backward pass: memory for time."""

from typing import TYPE_CHECKING

from impls.recipe.rewrite import Rewrite
from impls.recipe.update_patch import without_module

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

PATCH = """
import functools
import torch.utils.checkpoint

model_before_checkpointing = model


def model(**parameters):
    made = model_before_checkpointing(**parameters)
    for name in {names}:
        block = made.get_submodule(name)
        block.forward = functools.partial(torch.utils.checkpoint.{function}, use_reentrant=False)
    return made
"""


def patch(step: "LiveStep") -> str:
    """Around each block; where there is none, around the first half of each long sequence."""
    blocks, sequences = places(step)
    function = "checkpoint, block.forward" if blocks else "checkpoint_sequential, list(block), 2"
    return PATCH.format(names=blocks or sequences, function=function)


def places(step: "LiveStep") -> tuple[list[str], list[str]]:
    """The paths of the outermost modules of several parts in a list or sequence, and those of long sequences."""
    from torch import nn

    blocks: list[str] = []
    modules = dict(step.model.named_modules())
    for name, part in modules.items():
        listed = isinstance(modules[name.rpartition(".")[0]], nn.ModuleList | nn.Sequential)
        if name and listed and list(part.children()) and not name.startswith(tuple(f"{one}." for one in blocks)):
            blocks.append(name)
    return blocks, [name for name, part in modules.items() if isinstance(part, nn.Sequential) and len(part) >= 4]


def applies(step: "LiveStep") -> str | None:
    """Only to a model of blocks, or of a long sequence."""
    if reason := without_module(step):
        return reason
    return None if any(places(step)) else "the model has no blocks: no parts with parts in a ModuleList or Sequential"


REWRITE = Rewrite(
    summary="activations of each block are computed again for the backward pass instead of being kept",
    group="memory",
    patch=patch,
    applies=applies,
    effort="standard",
)
