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
    for name in {names}:
        block = made.get_submodule(name)
        block.forward = functools.partial(torch.utils.checkpoint.{function}, use_reentrant=False)
    return made
"""
LONG = 4  # parts of a sequence from which its first half is checkpointed, where no part is a block itself


def patch(step: "LiveStep") -> str:
    """Around each block; where there is none, around the first half of each long sequence."""
    blocks, sequences = places(step)
    if blocks:
        return PATCH.format(names=blocks, function="checkpoint, block.forward")
    return PATCH.format(names=sequences, function="checkpoint_sequential, list(block), 2")


def places(step: "LiveStep") -> tuple[list[str], list[str]]:
    """The paths of the outermost modules of several parts in a list or sequence, and those of long sequences."""
    from torch import nn

    blocks: list[str] = []
    sequences = []
    for name, part in step.model.named_modules():
        holder = step.model.get_submodule(name.rpartition(".")[0])
        inner = any(name.startswith(f"{outer}.") for outer in blocks)
        if name and not inner and isinstance(holder, nn.ModuleList | nn.Sequential) and list(part.children()):
            blocks.append(name)
        if isinstance(part, nn.Sequential) and len(part) >= LONG:
            sequences.append(name)
    return blocks, sequences


def applies(step: "LiveStep") -> str | None:
    """Only to a model of blocks, or of a long sequence."""
    if list(step.modules) != [""]:
        return "it needs one torch.nn.Module: let `model` return one"
    if not any(places(step)):
        return (
            "the model has no blocks: no module of several parts in a ModuleList or Sequential, and no long Sequential"
        )
    return None


REWRITE = Rewrite(
    summary="activations of each block are computed again for the backward pass instead of being kept",
    group="memory",
    patch=patch,
    applies=applies,
    effort="standard",
)
