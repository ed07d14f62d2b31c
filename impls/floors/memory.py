"""What an update must read and write of memory: all numbers that it changes, and its batch, once each. Loads torch."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from impls.recipe.live_step import LiveStep

WORD = torch.float32


def memory_calls(step: LiveStep) -> Sequence[Sequence[Callable[[], object]]]:
    """For each batch in turn: one call that reads and writes as many bytes as an update changes, one that reads the batch."""
    changed = bytes_changed(step)
    state = torch.ones(changed // WORD.itemsize, dtype=WORD, device=step.setting.device)
    writing: list[Callable[[], object]] = [state.neg_] if len(state) else []
    batches = [torch.ones(bytes_of(batch) // WORD.itemsize, dtype=WORD, device=state.device) for batch in step.batches]
    total = torch.empty((), dtype=WORD, device=state.device)
    return [[*writing, *([partial(torch.sum, read, 0, out=total)] if len(read) else [])] for read in batches]


def bytes_changed(step: LiveStep) -> int:
    """Bytes of the numbers of the state that the step's next update changes: parameters, buffers, the optimizer's state."""
    before = {name: tensor.detach().clone() for name, tensor in _state(step).items()}
    step.update_once()
    after = _state(step)
    return sum(
        int((after[name] != old).sum()) * old.element_size()
        for name, old in before.items()
        if name in after and after[name].shape == old.shape
    )


def bytes_of(batch: object) -> int:
    """Bytes of the numbers of a batch; sparse tensors, whose numbers an update may not need all, are left out."""
    leaves = [leaf for leaf in pytree.tree_leaves(batch) if isinstance(leaf, Tensor)]
    return sum(leaf.numel() * leaf.element_size() for leaf in leaves if leaf.layout == torch.strided)


def _state(step: LiveStep) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in step.tensors().items() if tensor.layout == torch.strided}
