"""The backward pass compiled by itself, from the graph that autograd has recorded: compiled autograd."""

from typing import TYPE_CHECKING

from impls.recipe.compile_patch import compile_options
from impls.recipe.rewrite import Rewrite
from impls.recipe.update_patch import wrapped_update

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

PATCH = """
import torch

update_before_compiled_autograd = update
backward_compiler = torch.compile({options})


def update(model, optimizer, batch):
    with torch._dynamo.compiled_autograd._enable(backward_compiler):
        return update_before_compiled_autograd(model, optimizer, batch)
"""


def patch(step: "LiveStep") -> str:
    """The lines, with the default update that they wrap where the file writes none."""
    return wrapped_update(step) + PATCH.format(options=compile_options(step))


def applies(step: "LiveStep") -> str | None:
    """Not for sparse gradients."""
    return f"the gradient of {step.facts.sparse[0]} is sparse" if step.facts.sparse else None


REWRITE = Rewrite(
    summary="torch.compile makes one graph of the whole backward pass, from what autograd has recorded",
    group="compile",
    patch=patch,
    applies=applies,
    excludes=("compile_regions", "whole_graph"),
    effort="thorough",
    compiles=True,
)
