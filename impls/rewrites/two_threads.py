"""Operations are computed by two threads, on two cores."""

import os
from typing import TYPE_CHECKING

from impls.recipe.rewrite import Rewrite

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

PATCH = """
import torch

torch.set_num_threads(2)
"""


def applies(step: "LiveStep") -> str | None:
    """Only where there is a second core that the race does not use."""
    if step.setting.threads > 1:
        return f"the race computes on {step.setting.threads} threads already"
    return "this machine has one core" if os.cpu_count() == 1 else None


REWRITE = Rewrite(
    summary="operations are computed by two threads, on two cores",
    group="host",
    patch=PATCH,
    applies=applies,
    process=True,
    devices=("cpu",),
    threads=2,
)
