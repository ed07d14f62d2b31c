"""The usual step - zero_grad, backward, optimizer.step - compiled whole with compiled autograd: a negative result."""

from typing import Any

import torch
from torch import Tensor

from impls.contract import Domain, Task
from impls.linear.nn_sgd import ModuleWithSGD


class CompiledAutograd(ModuleWithSGD):
    """The backward pass is captured again at every call; for two parameters that costs more than running it."""

    domain = Domain(modes={"compile": "thorough"})

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.loss = lambda x, y: self.criterion(self.model(x), y)
        self.whole = task.compile(self._step)

    def advance(self, updates: int) -> None:
        config: Any = torch._dynamo.config
        with config.patch(compiled_autograd=True):
            for _ in range(updates):
                self.whole(*next(self.batches))

    def _step(self, x: Tensor, y: Tensor) -> None:
        loss = self.loss(x, y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
