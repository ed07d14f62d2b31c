"""Repeated blocks compiled one by one: the compiler sees a block once, however many of its kind follow."""

from typing import TYPE_CHECKING

from impls.recipe.compile_patch import compile_options
from impls.recipe.rewrite import Rewrite

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

PATCH = '''
import functools

import torch

model_before_compile_regions = model


def model(**parameters):
    made = model_before_compile_regions(**parameters)
    for part in made.modules():
        if isinstance(part, torch.nn.ModuleList):
            for block in part:
                block.forward = functools.partial(compiled_block, block)
    return made


def run_block(block, *inputs, **named):
    """A function, and one for all blocks: blocks of one class and shape then share what was compiled."""
    return type(block).forward(block, *inputs, **named)


compiled_block = torch.compile(run_block, {options})
'''


def patch(step: "LiveStep") -> str:
    """The lines, with the compiler's options for this step."""
    return PATCH.format(options=compile_options(step))


def applies(step: "LiveStep") -> str | None:
    """Only to models with blocks that repeat."""
    from torch import nn

    if not isinstance(step.model, nn.Module):
        return "it needs one torch.nn.Module: let `model` return one"
    lists = [part for part in step.model.modules() if isinstance(part, nn.ModuleList)]
    if any(len(blocks) > len({type(block) for block in blocks}) for blocks in lists):
        return None
    return "the model has no nn.ModuleList in which blocks of one class repeat"


REWRITE = Rewrite(
    summary="torch.compile makes one graph of each block in nn.ModuleList, the same for blocks that repeat",
    group="compile",
    patch=patch,
    applies=applies,
    excludes=("checkpointing", "whole_graph"),
    effort="standard",
    compiles=True,
)
