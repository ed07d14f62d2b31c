"""A floor of a step, as an arm that trains nothing: it makes some calls for each update. Loads torch."""

import itertools
from collections.abc import Callable, Sequence

import torch

from impls.floors.memory import memory_calls
from impls.floors.names import ALL_REDUCE, BARRIER, MEMORY, PRODUCTS
from impls.floors.products import product_calls
from impls.floors.ranks import all_reduce_calls, barrier_calls
from impls.recipe.live_step import LiveStep, NotApplicable
from impls.recipe.recipe import PLAIN

Calls = Sequence[Callable[[], object]]


class Floor:
    """Makes, for each update, the calls of the batch whose turn it is.

    number  of updates since the reset
    """

    recipe, patch, scalers = PLAIN, "", ()  # of the step that it was taken from

    def __init__(self, calls: Sequence[Calls]) -> None:
        self._calls, self.number = calls, 0

    def advance(self, updates: int) -> None:
        """Makes the calls of the next updates."""
        place = self.number % len(self._calls)
        turns = itertools.cycle([*self._calls[place:], *self._calls[:place]])
        with torch.no_grad():
            for calls in itertools.islice(turns, updates):
                for call in calls:
                    call()
        self.number += updates

    def reset(self) -> None:
        """Goes back to the first batch."""
        self.number = 0


def floor_of(name: str, step: LiveStep) -> Floor:
    """The floor of this name, of a plain live step. Raises NotApplicable where the step has nothing of the kind."""
    makers = {PRODUCTS: product_calls, MEMORY: memory_calls, ALL_REDUCE: all_reduce_calls, BARRIER: barrier_calls}
    calls = makers[name](step)
    if not any(calls):
        what = "no matrix product and no convolution" if name == PRODUCTS else "nothing to read or to write"
        raise NotApplicable(f"a plain update of this step has {what}")
    return Floor(calls)
