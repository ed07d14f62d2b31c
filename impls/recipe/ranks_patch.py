"""What patches of several processes share: the rows of a batch that each computes, and why a step has none. Loads no torch.

Each process ("rank") computes the loss of its own rows, weighted by what part of all rows they are, so that the sum over
all processes is the loss of the whole batch, however unevenly its rows are dealt out.
"""

from typing import TYPE_CHECKING

from impls.recipe.update_patch import carried, gradients_call, without_loss

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

OWN_ROWS, SHARES = "own_rows", "shares_of_ranks"  # names in the patch
APART = 1e-3  # of the loss: more than rounding makes of a sum in parts; what is less is the referee's to judge

ROWS = """
# `torchrun --nproc-per-node={ranks} FILE` starts {ranks} processes of this file: each computes its rows of every batch.
import torch
import torch.distributed as dist

if not dist.is_initialized():
    dist.init_process_group("{backend}")
shares_of_ranks = [1] * dist.get_world_size()  # how the rows are dealt out: one to each in turn


def own_rows(batch):
    leaves, layout = torch.utils._pytree.tree_flatten(batch)
    rows, rank = len(leaves[0]), dist.get_rank()
    first, last = (rows * sum(shares_of_ranks[:number]) // sum(shares_of_ranks) for number in (rank, rank + 1))
    return torch.utils._pytree.tree_unflatten([leaf[first:last] for leaf in leaves], layout), (last - first) / rows
"""
EXCLUDES = (
    "accumulation",
    "autograd_grad",
    "compile_gradients",
    "cuda_graph",
    "fp16_autocast",
    "functional_gradients",
    "graphed_callables",
    "prefetch",
    "stream",
    "two_threads",
    "whole_graph",
    "zeroed_gradients",
)  # rewrites of the update that the ranks' own replaces, and of what each would do by itself


def ranks_patch(step: "LiveStep", lines: str) -> str:
    """The patch of a rewrite: these lines, with a call of `gradients` where the file has it, after those that deal out rows."""
    cuda = step.setting.device == "cuda"
    ranks = "GPUS" if cuda else step.setting.threads
    rows = ROWS.format(ranks=ranks, backend="nccl" if cuda else "gloo")
    return rows + lines.replace("{gradients}", gradients_call(step))


def undivided(step: "LiveStep") -> str | None:
    """Why the rows of a batch cannot be dealt out to several processes, in a sentence; None where they can."""
    import torch
    from torch.optim import Optimizer

    facts = step.facts
    if reason := without_loss(step) or carried(step):
        return reason
    if not torch.distributed.is_available():
        return "this build of torch has no torch.distributed"
    if not isinstance(step.optimizer, Optimizer):
        return "its optimizer is not one of torch's: let `optimizer` return one"
    if facts.draws:
        return "its updates draw random numbers, and each process would draw its own"
    if facts.moved_buffers:
        return f"the model keeps {facts.moved_buffers[0]} of what it sees, and each process would see its own rows only"
    if facts.sparse:
        return f"the gradient of {facts.sparse[0]} is sparse"
    if reason := _coupled(step):
        return reason
    if step.setting.device == "cpu" and step.setting.threads == 1:
        return "several processes make its updates together, and each needs a core: give the race --threads 2"
    return None


def _coupled(step: "LiveStep") -> str | None:
    """Why the loss of a batch is not the mean of the losses of its parts."""
    import torch
    from torch.utils import _pytree as pytree

    from impls.recipe.facts import rows_of
    from impls.recipe.state import Snapshot

    batch = step.batches[0]
    rows, ranks = rows_of(batch), max(2, step.setting.threads)
    if not rows:
        return "its batches cannot be dealt out: their tensors have not all the same number of rows"
    if rows <= ranks:
        return f"its batches of {rows} rows are too small for {ranks} processes"
    leaves, layout = pytree.tree_flatten(batch)
    cut, before = rows // 3 or 1, Snapshot(step.model, step.optimizer)
    try:
        with torch.no_grad():
            parts = [(0, rows), (0, cut), (cut, rows)]
            whole, one, other = (
                float(step.module.loss(step.model, pytree.tree_unflatten([leaf[a:b] for leaf in leaves], layout)))
                for a, b in parts
            )
    except Exception as error:  # noqa: BLE001 - whatever it raises is the reason
        return f"its loss cannot be computed of some rows: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
    finally:
        before.restore()
    if abs((one * cut + other * (rows - cut)) / rows - whole) > APART * abs(whole):
        return "its loss of a batch is not the mean of the losses of its rows, so parts cannot be computed one by one"
    return None
