"""Batches as the file makes them, each made by a process of its own while updates are computed."""

from typing import TYPE_CHECKING

from impls.recipe.rewrite import Rewrite
from impls.rewrites.stream import applies

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

PATCH = """
import torch

batches_before_loader = batches


class BatchesOfFile(torch.utils.data.IterableDataset):
    def __init__(self, seed, parameters):
        self.seed, self.parameters = seed, parameters

    def __iter__(self):
        return iter(batches_before_loader(self.seed, **self.parameters))


def batches(seed, **parameters):
    # one worker: each would make all batches; a generator of its own: else the loader draws from the global one
    yield from torch.utils.data.DataLoader(
        BatchesOfFile(seed, parameters), batch_size=None, num_workers=1, pin_memory={pinned},
        multiprocessing_context="fork", generator=torch.Generator(),
    )
"""


def patch(step: "LiveStep") -> str:
    """With memory that is copied from faster, where there is a GPU."""
    return PATCH.format(pinned=step.setting.device == "cuda")


REWRITE = Rewrite(
    summary="a process of a DataLoader makes the next batches while updates are computed",
    group="host",
    patch=patch,
    applies=applies,
    excludes=("stream", "prefetch"),
    effort="thorough",
    threads=2,
    streams=True,
)
