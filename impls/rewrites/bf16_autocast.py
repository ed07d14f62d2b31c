"""Matrix products and convolutions in bfloat16 by autocast; parameters and optimizer stay in float32."""

from typing import TYPE_CHECKING

from impls.recipe.rewrite import Rewrite
from impls.recipe.update_patch import wrapped_update

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

PATCH = """
import torch

{function}_before_bf16 = {function}


def {function}({arguments}, **parameters):
    with torch.autocast("{device}", dtype=torch.bfloat16):
        return {function}_before_bf16({arguments}, **parameters)
"""


def patch(step: "LiveStep") -> str:
    """Around `loss`; around the whole update where the file has no loss."""
    loss = "loss" in step.file.functions
    before = "" if loss else wrapped_update(step)
    return before + PATCH.format(
        function="loss" if loss else "update",
        arguments="model, batch" if loss else "model, optimizer, batch",
        device=step.setting.device,
    )


def applies(step: "LiveStep") -> str | None:
    """Where it changes something: a dry run tells."""
    from impls.recipe.dry_run import failure_of_autocast

    return failure_of_autocast(step, patch(step), "bfloat16")


REWRITE = Rewrite(
    summary="matrix products and convolutions are computed in bfloat16",
    group="precision",
    patch=patch,
    applies=applies,
    numerics="coarser",
    excludes=("fp16_autocast",),
)
