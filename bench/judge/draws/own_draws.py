"""What is known about an arm by what it draws: what its worker writes, and how that compares with the plain step's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from bench.judge.draws.distribution import PLAIN_SEEDS, SEEDS, Distribution, compare, sampled
from bench.judge.draws.self_consistency import (
    DIRECTIONS,
    PLAIN_DIRECTIONS,
    Consistency,
    consistency,
    slopes,
    unmeasurable,
)
from bench.judge.standard.bits import Spread
from bench.judge.standard.observation import LOSS, Observation
from impls.recipe.live_step import LiveStep
from impls.recipe.recipe import Recipe

EQUAL = 0.99  # correlation of the losses over the seeds, above which both drew the same numbers
JUMPS = "the plain step's own loss jumps or bends too much for differences of it"


@dataclass(frozen=True)
class OwnDraws:
    """What is known about an arm by what it draws.

    distribution    how its draws compare with the plain step's
    consistency     how far its gradient is from the derivative of its loss; None where that cannot be told
    no_consistency  why not
    """

    distribution: Distribution
    consistency: Consistency | None = None
    no_consistency: str = ""


def drawn(step: LiveStep, say: Callable[[str], None] = lambda _: None) -> Observation:
    """What a worker writes about an arm that may draw numbers of its own: samples of its updates, differences of its loss."""
    return sampled(step, SEEDS, say) | slopes(step, DIRECTIONS, say)


class PlainDraws:
    """The plain step's draws, which arms are compared with; made when they are first needed.

    say  takes what is being done
    """

    def __init__(self, step: LiveStep, say: Callable[[str], None] = lambda _: None) -> None:
        self._step, self._say = step, say

    @cached_property
    def _sample(self) -> Observation:
        return sampled(self._step, PLAIN_SEEDS, self._say)

    @cached_property
    def _same_seeds(self) -> Observation:
        return sampled(self._step, SEEDS, self._say)

    @cached_property
    def _slopes(self) -> Observation:
        return slopes(self._step, PLAIN_DIRECTIONS, self._say)

    def are_equal(self, drawn: Observation) -> bool:
        """Whether an arm draws the very numbers of the plain step: its losses then go up and down with the plain step's.

        Two generators may end in the same state and have drawn other numbers: in parts, or in another order.
        """
        names = [name for name in self._same_seeds if name.startswith(f"{LOSS} 0") and name in drawn]
        return all(_correlation(self._same_seeds[name], drawn[name]) > EQUAL for name in names)

    def compared(self, drawn: Observation, recipe: Recipe, spreads: Mapping[str, Spread]) -> OwnDraws:
        """How an arm compares, by what its worker wrote.

        recipe   of the arm
        spreads  what rounding explains of each tensor, in the arm's precision
        """
        samples = compare(drawn, self._sample, spreads)
        if reason := unmeasurable(self._step, recipe):
            return OwnDraws(samples, None, reason)
        clipped = hasattr(self._step.module, "gradients")
        found = consistency(drawn, self._slopes, only_direction=clipped)
        return OwnDraws(samples, found, "" if found else JUMPS)


def _correlation(one: Tensor, other: Tensor) -> float:
    """Of two samples of a number; 1 where neither varies."""
    pair = torch.stack([one.reshape(-1).double(), other.reshape(-1).double()])
    varies = (pair.max(1).values > pair.min(1).values).tolist()
    return float(torch.corrcoef(pair)[0, 1]) if all(varies) else float(not any(varies))
