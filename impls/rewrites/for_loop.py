"""The optimizer's plain loop over parameters, where it would choose its foreach kernels."""

from typing import TYPE_CHECKING

from impls.recipe.optimizer_patch import for_each_optimizer, unreachable
from impls.recipe.rewrite import Rewrite

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

LINES = """
for group in (one.defaults, *one.param_groups):
    group.update({flag: False for flag in ("foreach", "fused") if flag in group})
"""


def applies(step: "LiveStep") -> str | None:
    """Only where the optimizer does something else."""
    if reason := unreachable(step):
        return reason
    groups = [group for one in step.optimizers.values() for group in one.param_groups]
    if not any("foreach" in group for group in groups):
        return f"{' and '.join(dict.fromkeys(step.facts.optimizers))} has a plain loop only"
    chosen = step.setting.device == "cuda" and any(group.get("foreach", False) is None for group in groups)
    if chosen or any(group.get("foreach") or group.get("fused") for group in groups):
        return None
    return "the optimizer updates one parameter after the other already"


REWRITE = Rewrite(
    summary="the optimizer updates one parameter after the other",
    group="optimizer",
    patch=for_each_optimizer("for_loop", LINES),
    applies=applies,
    excludes=("foreach", "fused"),
    effort="standard",
)
