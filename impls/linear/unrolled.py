"""Eight updates in one compiled function: one call into compiled code for all of them."""

from collections.abc import Iterator
from itertools import chain, islice

import torch
from torch import Tensor

from impls.contract import Domain, Task
from impls.linear.analytic import Analytic

TOGETHER = 8


class Unrolled(Analytic):
    """The remaining updates are single calls of a compiled update."""

    domain = Domain(modes={"compile": "thorough", "cpp-wrapper": "thorough", "aot": "thorough"})

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.several = task.compile(self._several)

    @torch.no_grad()
    def advance(self, updates: int) -> None:
        batches: Iterator[tuple[Tensor, Tensor]] = self.batches
        for _ in range(updates // TOGETHER):
            together = chain.from_iterable(islice(batches, TOGETHER))
            self.weight, self.bias = self.several(self.weight, self.bias, *together)
        super().advance(updates % TOGETHER)

    def _several(self, weight: Tensor, bias: Tensor, *columns: Tensor) -> tuple[Tensor, Tensor]:
        for x, y in zip(columns[::2], columns[1::2], strict=True):
            weight, bias = self._update(weight, bias, x, y)
        return weight, bias
