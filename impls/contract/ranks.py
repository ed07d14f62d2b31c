"""The rows of a task that one of several processes ("ranks") computes. Loads torch."""

from dataclasses import replace

import torch.distributed as dist

from impls.contract.contract import Task


def own_rows(task: Task) -> Task:
    """The same task with this rank's rows alone: of all rows, or of each batch. `step` stays that of the whole batch.

    Rows are dealt out in one piece to each rank, as evenly as they can be.
    """
    rank, ranks = dist.get_rank(), dist.get_world_size()
    batch = task.setting.batch_rows
    first, last = batch * rank // ranks, batch * (rank + 1) // ranks
    if task.order is not None:
        return replace(task, order=task.order[:, first:last].contiguous())
    return replace(task, data={name: column[first:last].contiguous() for name, column in task.data.items()})
