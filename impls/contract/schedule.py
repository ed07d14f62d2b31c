"""Which rows each update reads, drawn once for all arms. Apart because arms and oracle must replay the very same order."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impls.contract.setting import Batch

EPOCHS = 3  # permutations drawn; then they repeat, so that any number of updates can be replayed from little memory


@dataclass(frozen=True, eq=False)
class Schedule:
    """The row numbers of every update: None when each update reads all rows, else shape (cycle, batch), int64.

    Update number k (from 0) reads the rows `order[k % len(order)]`.
    """

    order: NDArray[np.int64] | None
    updates_per_epoch: int


def draw_schedule(rows: int, batch: Batch, seed: int) -> Schedule:
    """The schedule is a function of rows, batch and seed alone, whatever the framework or the device.

    Every batch has the same size: rows left over at the end of an epoch's permutation sit that epoch out, as with
    DataLoader(drop_last=True).
    """
    if batch == "full":
        return Schedule(order=None, updates_per_epoch=1)
    generator = np.random.default_rng([seed, 1])
    whole = rows // batch
    epochs = [generator.permutation(rows)[: whole * batch].reshape(whole, batch) for _ in range(EPOCHS)]
    return Schedule(order=np.concatenate(epochs), updates_per_epoch=whole)
