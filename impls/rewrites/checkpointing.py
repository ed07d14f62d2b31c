"""Activations of whole blocks are thrown away, and computed once more for the backward pass: memory for time."""

from typing import TYPE_CHECKING

from impls.recipe.rewrite import Rewrite

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

PATCH = """
import functools

import torch.utils.checkpoint

model_before_checkpointing = model


def model(**parameters):
    made = model_before_checkpointing(**parameters)
    for name in {blocks}:
        block = made.get_submodule(name)
        block.forward = functools.partial(torch.utils.checkpoint.checkpoint, block.forward, use_reentrant=False)
    return made
"""


def blocks(step: "LiveStep") -> list[str]:
    """The outermost modules of several parts that stand in a list or sequence, by their paths."""
    from torch import nn

    names: list[str] = []
    for name, part in step.model.named_modules():
        held = step.model.get_submodule(name.rpartition(".")[0])
        inner = any(name.startswith(f"{outer}.") for outer in names)
        if name and not inner and isinstance(held, nn.ModuleList | nn.Sequential) and list(part.children()):
            names.append(name)
    return names


def applies(step: "LiveStep") -> str | None:
    """Only to a model of blocks."""
    if list(step.modules) != [""]:
        return "it needs one torch.nn.Module: let `model` return one"
    return None if blocks(step) else "the model has no blocks: no module of several parts in a ModuleList or Sequential"


REWRITE = Rewrite(
    summary="activations of each block are computed again for the backward pass instead of being kept",
    group="memory",
    patch=lambda step: PATCH.format(blocks=blocks(step)),
    applies=applies,
    effort="standard",
)
