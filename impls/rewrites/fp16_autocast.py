"""Matrix products and convolutions in float16 by autocast, with the loss scaled so that small gradients survive."""

from typing import TYPE_CHECKING

from impls.recipe.rewrite import Rewrite
from impls.recipe.update_patch import gradients_call, without_loss

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

PATCH = """
import torch

optimizer_before_fp16 = optimizer


def optimizer(model, **parameters):
    made = optimizer_before_fp16(model, **parameters)
    # a low scale to begin with: too high a one makes the first updates overflow, and the scaler leaves those out
    made.scaler = torch.amp.GradScaler("{device}", init_scale=1024.0)
    return made


def update(model, optimizer, batch):
    scaler = optimizer.scaler
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast("{device}", dtype=torch.float16):
        value = loss(model, batch)
    scaler.scale(value).backward()
{gradients}    scaler.step(optimizer)
    scaler.update()
    return value.detach()
"""


def patch(step: "LiveStep") -> str:
    """With the gradients put back to their scale before `gradients`, where the file has it."""
    call = gradients_call(step)
    return PATCH.format(device=step.setting.device, gradients=call and f"    scaler.unscale_(optimizer)\n{call}")


def applies(step: "LiveStep") -> str | None:
    """Only to the default update, with dense gradients, where it changes something: a dry run tells."""
    from impls.recipe.dry_run import failure_of_autocast

    if reason := without_loss(step):
        return reason
    if step.facts.sparse:
        return "the scaler takes no sparse gradients in float16"
    return failure_of_autocast(step, patch(step), "float16")


REWRITE = Rewrite(
    summary="matrix products and convolutions are computed in float16, with a scaled loss",
    group="precision",
    patch=patch,
    applies=applies,
    numerics="coarser",
    excludes=("accumulation", "autograd_grad", "bf16_autocast", "functional_gradients"),
    effort="standard",
)
