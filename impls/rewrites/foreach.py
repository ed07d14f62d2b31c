"""The optimizer's foreach kernels: each operation of an update runs over all parameters at once."""

from typing import TYPE_CHECKING

from impls.recipe.optimizer_patch import for_each_optimizer, without_flag
from impls.recipe.rewrite import Rewrite

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

LINES = """
for group in (one.defaults, *one.param_groups):
    group.update(foreach=True, **({"fused": False} if "fused" in group else {}))
"""


def applies(step: "LiveStep") -> str | None:
    """Only optimizers with foreach kernels, where they are not chosen anyway."""
    if reason := without_flag(step, "foreach"):
        return reason
    if step.facts.sparse:
        return f"the gradient of {step.facts.sparse[0]} is sparse, and foreach kernels read dense ones"
    groups = [group for one in step.optimizers.values() for group in one.param_groups]
    if step.setting.device == "cuda" and all(group["foreach"] is None for group in groups):
        return "on a GPU the optimizer chooses foreach kernels by itself"
    return None


REWRITE = Rewrite(
    summary="the optimizer runs each of its operations over all parameters at once",
    group="optimizer",
    patch=for_each_optimizer("foreach", LINES),
    applies=applies,
    excludes=("for_loop", "fused"),
)
