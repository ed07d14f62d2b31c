"""What several processes that make an update together cannot do without: they add up their gradients. Loads torch."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
import torch.distributed as dist

from impls.recipe.live_step import LiveStep

Calls = Sequence[Sequence[Callable[[], object]]]


def all_reduce_calls(step: LiveStep) -> Calls:
    """One all-reduce of as many numbers as the gradients and the loss have."""
    trained = [one for one in step.parameters if one.requires_grad]
    numbers = sum(one.numel() for one in trained) + 1
    return [[partial(dist.all_reduce, torch.zeros(numbers, dtype=trained[0].dtype, device=step.setting.device))]]


def barrier_calls(_: LiveStep) -> Calls:
    """One barrier: the processes wait for each other, and nothing is sent but that."""
    return [[dist.barrier]]
