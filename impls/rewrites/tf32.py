"""Matrix products of float32 numbers on tensor cores, which read ten bits of the fraction instead of 23."""

from typing import TYPE_CHECKING

from impls.recipe.rewrite import Rewrite

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

PATCH = """
import torch

torch.set_float32_matmul_precision("high")
"""


def applies(step: "LiveStep") -> str | None:
    """Only on GPUs with such cores, where they are not used already."""
    import torch

    if torch.get_float32_matmul_precision() != "highest":
        return "the file sets it already, by torch.set_float32_matmul_precision"
    if torch.cuda.get_device_capability() < (8, 0):
        return "this GPU has no TF32: that begins with compute capability 8.0"
    return None


REWRITE = Rewrite(
    summary="matrix products of float32 numbers read ten bits of the fraction instead of 23",
    group="precision",
    patch=PATCH,
    applies=applies,
    numerics="coarser",
    process=True,
    devices=("cuda",),
)
