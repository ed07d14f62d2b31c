"""The order of the rows: which ones each update reads, the same for every arm and for the oracle."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impls.contract.setting import Batch

EPOCHS = 3  # permutations; after these they repeat, so that a schedule of any number of updates takes little memory


@dataclass(frozen=True, eq=False)
class Schedule:
    """The row numbers of every update: None when each update reads all rows, else shape (cycle, batch), int64.

    Update number k (from 0) reads the rows `order[k % len(order)]`.
    """

    order: NDArray[np.int64] | None
    updates_per_epoch: int


def draw_schedule(rows: int, batch: Batch, seed: int) -> Schedule:
    """The schedule for these rows, batch and seed; it depends on nothing else.

    All batches have the same size: rows that are left at the end of an epoch's permutation are skipped in that epoch, as
    with DataLoader(drop_last=True).
    """
    if batch == "full":
        return Schedule(order=None, updates_per_epoch=1)
    generator = np.random.default_rng([seed, 1])
    updates = rows // batch
    epochs = [generator.permutation(rows)[: updates * batch].reshape(updates, batch) for _ in range(EPOCHS)]
    return Schedule(order=np.concatenate(epochs), updates_per_epoch=updates)
