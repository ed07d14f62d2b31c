"""The optimizer counts its steps on the GPU, so that nothing of an update is computed by Python; graphs need that."""

from typing import TYPE_CHECKING

from impls.recipe.optimizer_patch import for_each_optimizer, without_flag
from impls.recipe.rewrite import Rewrite

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

LINES = """
for group in (one.defaults, *one.param_groups):
    group.update(capturable=True)
for parameter, state in one.state.items():
    if "step" in state:
        state["step"] = state["step"].to(parameter.device)
"""


def applies(step: "LiveStep") -> str | None:
    """Only optimizers that can."""
    return without_flag(step, "capturable")


REWRITE = Rewrite(
    summary="the optimizer keeps its count of steps on the GPU and computes with it there",
    group="optimizer",
    patch=for_each_optimizer("capturable", LINES),
    applies=applies,
    excludes=("fused",),
    effort="standard",
    devices=("cuda",),
)
