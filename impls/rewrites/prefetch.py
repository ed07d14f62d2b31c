"""Batches as the file makes them, each made by a thread while the update before it is computed."""

from typing import TYPE_CHECKING

from impls.recipe.rewrite import Rewrite
from impls.rewrites.stream import applies

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

PATCH = """
import concurrent.futures

import torch

batches_before_prefetch = batches


def batches(seed, **parameters):
    source = iter(batches_before_prefetch(seed, **parameters))

    def draw():
        batch = next(source, None)
        return {drawn}

    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        following = thread.submit(draw)
        while (batch := following.result()) is not None:
            following = thread.submit(draw)
            yield batch
"""
PINNED = """torch.utils._pytree.tree_map_only(
            torch.Tensor, lambda leaf: leaf.pin_memory().to("cuda", non_blocking=True), batch
        )"""


def patch(step: "LiveStep") -> str:
    """With a copy to the GPU that nobody waits for, where there is one."""
    return PATCH.format(drawn=PINNED if step.setting.device == "cuda" else "batch")


REWRITE = Rewrite(
    summary="a thread makes the next batch while an update is computed",
    group="host",
    patch=patch,
    applies=applies,
    excludes=("stream",),
    effort="standard",
    threads=2,
    streams=True,
)
