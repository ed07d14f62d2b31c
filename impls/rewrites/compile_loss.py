"""Forward pass and loss compiled together, and with them the backward pass."""

from typing import TYPE_CHECKING

from impls.recipe.compile_patch import compile_options
from impls.recipe.rewrite import Rewrite

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

PATCH = """
import torch

loss = torch.compile(loss, {options})
"""


def patch(step: "LiveStep") -> str:
    """The lines, with the compiler's options for this step."""
    return PATCH.format(options=compile_options(step))


def applies(step: "LiveStep") -> str | None:
    """Only where the file has a loss."""
    return None if "loss" in step.file.functions else "the file has no function `loss`"


REWRITE = Rewrite(
    summary="torch.compile makes one graph of forward pass and loss, and one of the backward pass",
    group="compile",
    patch=patch,
    applies=applies,
    excludes=("compile_gradients", "compile_regions", "compiled_autograd", "whole_graph"),
    effort="standard",
    compiles=True,
)
