"""The optimizer's fused kernels: one call updates all numbers of a parameter, and reads its memory once."""

from typing import TYPE_CHECKING

from impls.recipe.optimizer_patch import for_each_optimizer, without_flag
from impls.recipe.rewrite import Rewrite

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

LINES = """
one._step_supports_amp_scaling = one._need_device_dtype_check_for_fused = True
for group in (one.defaults, *one.param_groups):
    group.update(foreach=False, fused=True)
for parameter, state in one.state.items():
    if "step" in state:  # the kernel counts in float32, where the parameter lies
        state["step"] = state["step"].to(parameter.device).float()
"""


def applies(step: "LiveStep") -> str | None:
    """Only optimizers with fused kernels, and dense gradients of floating numbers."""
    if reason := without_flag(step, "fused"):
        return reason
    if step.facts.sparse:
        return f"the gradient of {step.facts.sparse[0]} is sparse, and fused kernels read dense ones"
    names = {type(one).__name__ for one in step.optimizers.values()}
    if step.setting.device == "cuda" and "Adagrad" in names:
        return "Adagrad has fused kernels on the CPU only"
    if not all(parameter.is_floating_point() for parameter in step.parameters):
        return "fused kernels take real floating numbers only"
    return None


REWRITE = Rewrite(
    summary="the optimizer's fused kernels update each parameter in one pass over its memory",
    group="optimizer",
    patch=for_each_optimizer("fused", LINES),
    applies=applies,
    excludes=("foreach", "for_loop", "capturable"),
)
