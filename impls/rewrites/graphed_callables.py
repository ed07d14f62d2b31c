"""The model's forward and backward pass captured in two CUDA graphs; loss and optimizer stay as they are."""

from typing import TYPE_CHECKING

from impls.recipe.compile_patch import frozen, nets
from impls.recipe.rewrite import Rewrite

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

PATCH = """
import torch

loss_before_graphed_callables = loss
seen = []  # what the model is called with


def loss(model, batch):
    if seen:
        return loss_before_graphed_callables(model, batch)
    hook = model.register_forward_pre_hook(lambda _, inputs: seen.append(inputs))
    value = loss_before_graphed_callables(model, batch)
    hook.remove()
    torch.cuda.make_graphed_callables(model, tuple(tensor.clone() for tensor in seen[0]), allow_unused_input=True)
    return value
"""


def applies(step: "LiveStep") -> str | None:
    """Only to one module that changes nothing but its parameters."""
    if reason := frozen(step):
        return reason
    if "loss" not in step.file.functions or nets(step) != "[made]":
        return "it needs a `loss` that calls one torch.nn.Module, which `model` returns"
    if step.facts.moved_buffers:
        return (
            f"a forward pass changes {step.facts.moved_buffers[0]}, and the passes before a capture would change it too"
        )
    if step.facts.replaced:
        return f"an update replaces {step.facts.replaced[0]} instead of writing into it: use `copy_`"
    return None


REWRITE = Rewrite(
    summary="forward and backward pass of the model are captured in CUDA graphs",
    group="cuda",
    patch=PATCH,
    applies=applies,
    excludes=(
        "accumulation",
        "bf16_autocast",  # which is entered around the call of what was captured, and changes nothing of it
        "checkpointing",
        "compile_forward",
        "compile_gradients",
        "compile_loss",
        "compile_regions",
        "compiled_autograd",
        "fp16_autocast",
        "functional_gradients",
        "loader_worker",  # no other thread may use the GPU while this is captured
        "prefetch",
        "reduce_overhead",
        "whole_graph",
    ),
    effort="standard",
    devices=("cuda",),
)
