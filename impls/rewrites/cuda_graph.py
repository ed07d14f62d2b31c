"""The whole update captured in a CUDA graph: one launch instead of one for each kernel."""

from typing import TYPE_CHECKING

from impls.recipe.compile_patch import frozen
from impls.recipe.optimizer_patch import unreachable
from impls.recipe.rewrite import Rewrite
from impls.recipe.update_patch import wrapped_update
from impls.rewrites.cuda_graph_patch import PATCH, RATES

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep


def patch(step: "LiveStep") -> str:
    """The lines; where the file has a `schedule`, learning rates are tensors that are filled before each replay."""
    dtype = "float32" if "SGD" in step.facts.optimizers else "float64"  # the fused kernel of SGD reads float32
    scheduled = hasattr(step.module, "schedule")
    return wrapped_update(step) + PATCH.format(
        rates=RATES.format(dtype=dtype) if scheduled else "[]  # they stay what they are"
    )


def applies(step: "LiveStep") -> str | None:
    """Only where every update does the same with the same memory, and never asks for a number."""
    if reason := frozen(step) or unreachable(step):
        return reason
    if step.facts.replaced:
        return f"an update replaces {step.facts.replaced[0]} instead of writing into it: use `copy_`"
    for one in step.optimizers.values():
        if "capturable" not in one.defaults and type(one).__name__ != "SGD":
            return f"{type(one).__name__} cannot be captured: it asks the CPU for numbers"
    return None


REWRITE = Rewrite(
    summary="the whole update is captured once in a CUDA graph, and replayed with one launch",
    group="cuda",
    patch=patch,
    applies=applies,
    excludes=(
        "capturable",
        "compiled_autograd",
        "for_loop",
        "fused",
        "graphed_callables",
        "reduce_overhead",
        "whole_graph",
    ),
    whole=True,
    devices=("cuda",),
)
