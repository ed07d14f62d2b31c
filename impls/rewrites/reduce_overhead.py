"""Forward pass and loss compiled, and captured in CUDA graphs by the compiler: its mode reduce-overhead."""

from typing import TYPE_CHECKING

from impls.recipe.rewrite import Rewrite

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

PATCH = """
import torch

compiled_loss = torch.compile(loss, mode="reduce-overhead", dynamic=False)


def loss(model, batch):
    torch.compiler.cudagraph_mark_step_begin()  # what the update before this one returned may be written over
    return compiled_loss(model, batch)
"""


def applies(step: "LiveStep") -> str | None:
    """Only to one backward pass an update: the next forward pass writes over what the graphs returned."""
    if "loss" not in step.file.functions:
        return "the file has no function `loss`"
    if step.facts.own_update:
        return "an update of the file's own may call `loss` several times, and each call writes over the one before"
    if step.facts.draws:
        return "it draws random numbers, and the compiler draws other ones in this mode"
    return None


REWRITE = Rewrite(
    summary="torch.compile makes graphs of forward pass, loss and backward pass, and captures them in CUDA graphs",
    group="cuda",
    patch=PATCH,
    applies=applies,
    excludes=(
        "accumulation",
        "checkpointing",
        "compile_forward",
        "compile_gradients",
        "compile_loss",
        "compile_regions",
        "compiled_autograd",
        "whole_graph",
        "zeroed_gradients",
    ),
    compiles=True,
    devices=("cuda",),
)
