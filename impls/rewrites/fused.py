"""The optimizer's fused kernels: one call updates all numbers of a parameter, and reads its memory once."""

from typing import TYPE_CHECKING

from impls.recipe.rewrite import Rewrite

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

PATCH = """
optimizer_before_fused = optimizer


def optimizer(model):
    made = optimizer_before_fused(model)
    for one in made.values() if isinstance(made, dict) else [made]:
        one._step_supports_amp_scaling = one._need_device_dtype_check_for_fused = True
        for group in (one.defaults, *one.param_groups):
            group.update(foreach=False, fused=True)
    return made
"""


def applies(step: "LiveStep") -> str | None:
    """Only optimizers with fused kernels, and no sparse gradients."""
    for one in step.optimizers.values():
        if "fused" not in one.defaults:
            return f"{type(one).__name__} has no fused kernels"
    if not step.optimizers:
        return "the step has no optimizer of torch"
    return "its gradients are sparse" if step.facts.sparse else None


REWRITE = Rewrite(
    summary="the optimizer's fused kernels update each parameter in one pass over its memory",
    group="optimizer",
    patch=PATCH,
    applies=applies,
    excludes=("foreach", "for_loop", "capturable", "compiled_optimizer", "whole_graph"),
)
