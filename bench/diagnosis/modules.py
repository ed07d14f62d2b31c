"""Which module of a model is the first to compute something else. Loads torch."""

import contextlib
from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from bench.judge.standard.bits import ALGEBRA, Standard, compare, spreads
from bench.judge.standard.ensemble import Moved
from bench.judge.standard.observation import SEED, Observation, set_generators
from impls.recipe.live_step import LiveStep

MEMBERS = 5  # of the ensemble that says what rounding explains in a module


def first_different(arm: LiveStep, plain: LiveStep) -> str:
    """The first thing of a module that an arm's first update computes otherwise; "" where all of them are the same.

    "output of 1 (BatchNorm2d)", or "gradient of the output of 4 (Conv2d)"; in the order in which they are computed.
    """
    truth = seen_in_update(plain)
    members = [seen_in_update(plain, Moved(member)) for member in range(MEMBERS)]
    epsilon = torch.finfo(getattr(torch, plain.setting.dtype)).eps
    answer = seen_in_update(arm)
    # What is computed more or less often by intention, as by checkpointing, is no place to look for a mistake.
    truth = {name: value for name, value in truth.items() if name in answer and answer[name].shape == value.shape}
    comparison = compare(answer, Standard(truth, truth, spreads(truth, members, epsilon)))
    lost = {name: max(bits, comparison.scales.get(name, bits)) for name, bits in comparison.bits.items()}
    return next((name for name in truth if name in comparison.faults or lost.get(name, ALGEBRA) > ALGEBRA), "")


def seen_in_update(step: LiveStep, mode: contextlib.AbstractContextManager[Any] | None = None) -> Observation:
    """What each module returns in the next update, and the gradient of it, in the order of computation; then it goes back.

    A module that is called several times is seen once: what it returned is joined, as if parts of a batch were one.
    """
    step.reset()
    set_generators(SEED)
    collected: dict[str, list[Tensor]] = {}
    with _watched(step, collected), mode or contextlib.nullcontext():
        step.update_once()
    step.reset()
    return {name: torch.cat([one.reshape(-1) for one in parts]) for name, parts in collected.items()}


@contextlib.contextmanager
def _watched(step: LiveStep, collected: dict[str, list[Tensor]]) -> Iterator[None]:
    """While it is entered, collects what modules return, and the gradients of that, by name."""

    def keep(name: str, value: Tensor) -> None:
        collected.setdefault(name, []).append(value.detach().cpu().clone())

    def look(name: str, module: nn.Module, _: object, returned: object) -> None:
        for leaf in pytree.tree_leaves(returned):
            if isinstance(leaf, Tensor) and leaf.is_floating_point():
                keep(f"output of {name} ({type(module).__name__})", leaf)
                if leaf.requires_grad:
                    leaf.register_hook(partial(keep, f"gradient of the output of {name} ({type(module).__name__})"))

    with contextlib.ExitStack() as stack:
        for path, module in step.modules.items():
            for place, part in module.named_modules():
                name = ".".join(filter(None, [path, place])) or "the model"
                stack.callback(part.register_forward_hook(partial(look, name)).remove)
        yield
