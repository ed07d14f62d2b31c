"""Numbers too small for a full fraction become 0: processors are slow at them."""

from typing import TYPE_CHECKING

from impls.recipe.rewrite import Rewrite

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

PATCH = """
import torch

torch.set_flush_denormal(True)
"""


def applies(step: "LiveStep") -> str | None:
    """Only on processors that can, where it is not done already."""
    import torch

    smallest = torch.tensor(1e-38)
    if not (smallest / 16).item():
        return "they are flushed already"
    if not torch.set_flush_denormal(True):
        return "this processor cannot flush them"
    torch.set_flush_denormal(False)
    return None


REWRITE = Rewrite(
    summary="numbers too small for a full fraction become 0",
    group="host",
    patch=PATCH,
    applies=applies,
    effort="standard",
    process=True,
    devices=("cpu",),
)
