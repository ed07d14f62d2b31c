"""What the referee would notice in a step: the smallest mistakes, found by planting them."""

from collections.abc import Callable
from typing import Any

import torch

from bench.judge.mistakes import Made, multiplied, other_rate, with_gradients
from bench.judge.standard.bits import Standard, compare
from bench.judge.standard.observation import COUNT, GRADIENT, observe
from bench.results.record import Power
from impls.recipe.live_step import LiveStep

LEAST, MOST = -53, 0  # exponents of 2 between which errors are planted


def measured(step: LiveStep, standard: Standard, limit: float, *, gradients: bool) -> Power:
    """The smallest errors that a comparison notices, each a power of two.

    step       the plain step that makes the mistakes, in the dtype of the standard
    limit      bits lost from which a mistake is noticed
    gradients  whether an arm shows its gradients, or only what they change
    """

    def notices(made: Made) -> bool:
        answer = observe(step, made(step))
        if not gradients:
            answer = {name: value for name, value in answer.items() if not name.startswith((GRADIENT, COUNT))}
        return compare(answer, standard).exceeds(limit)

    return Power(
        gradient=_smallest(lambda error: notices(multiplied(1 + error))),
        rate=_smallest(lambda error: notices(other_rate(1 + error))),
        number=_smallest(lambda error: notices(one_number(1 + error))),
    )


def one_number(factor: float) -> Made:
    """The largest number of the gradient that has the most numbers is multiplied before the optimizer reads it."""

    def multiply(group: dict[str, Any]) -> None:
        gradients = [one.grad for one in group["params"] if one.grad is not None and not one.grad.is_sparse]
        if gradients:
            gradient = max(gradients, key=lambda one: one.numel())
            gradient[torch.unravel_index(gradient.abs().argmax(), gradient.shape)] *= factor

    return lambda step: with_gradients(step, multiply)


def _smallest(notices: Callable[[float], bool]) -> float | None:
    """The smallest power of two that is noticed, by bisection; None where not even 1 is."""
    missed, noticed = LEAST, MOST
    if not notices(2.0**noticed):
        return None
    while noticed - missed > 1:
        middle = (missed + noticed) // 2
        if notices(2.0**middle):
            noticed = middle
        else:
            missed = middle
    return 2.0**noticed
