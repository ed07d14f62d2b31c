"""What patches with DistributedDataParallel share: the wrapped model, the update, and why a step has none. Loads no torch."""

from typing import TYPE_CHECKING

from impls.recipe.ranks_patch import ranks_patch, undivided
from impls.recipe.update_patch import without_module

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

MODEL = """

from torch.nn.parallel import DistributedDataParallel

model_before_parallel = model
parallel = {{}}  # by model: the same in DistributedDataParallel


def model(**parameters):
    made = model_before_parallel(**parameters)
    parallel[id(made)] = DistributedDataParallel(made{options})
    return made
"""
UPDATE = """

def update(model, optimizer, batch):
    optimizer.zero_grad(set_to_none=True)
    rows, part = own_rows(batch)
    value = loss({called}, rows) * part
    (value * dist.get_world_size()).backward()  # for the mean over processes is to be the sum
{gradients}    optimizer.step()
    total = value.detach().clone()
    dist.all_reduce(total)
    return total
"""


def mean_update(called: str) -> str:
    """The update of a model whose gradients are the mean over the processes; `called` is what the loss calls as the model."""
    return UPDATE.replace("{called}", called)


def ddp_patch(step: "LiveStep", update: str, options: str = "") -> str:
    """The rows of each process, the model in DistributedDataParallel with these options, and the update."""
    return ranks_patch(step, MODEL.format(options=options) + update)


def without_wrapper(step: "LiveStep") -> str | None:
    """Why a model cannot be wrapped, in a sentence: its loss reads more than its output, or a gradient is missing."""
    if reason := without_module(step) or undivided(step):
        return reason
    if unused := step.facts.unused:
        return f"no update computes a gradient of {unused[0]}, and the processes would wait for it: take requires_grad from it"
    return _reads_more(step)


def _reads_more(step: "LiveStep") -> str | None:
    import torch
    from torch import nn

    from impls.recipe.state import Snapshot

    class Wrapped(nn.Module):
        def __init__(self, module: nn.Module) -> None:
            super().__init__()
            self.module = module

        def forward(self, *arguments: object, **keywords: object) -> object:
            return self.module(*arguments, **keywords)

    before = Snapshot(step.model, step.optimizer)
    try:
        with torch.no_grad():
            step.module.loss(Wrapped(step.model), step.batches[0])
    except Exception as error:  # noqa: BLE001 - whatever it raises is the reason
        text = " ".join(str(error).split())[:200]
        return f"its loss needs more of the model than to call it ({type(error).__name__}: {text})"
    finally:
        before.restore()
    return None
