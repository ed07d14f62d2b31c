"""The usual step - zero_grad, backward, optimizer.step - compiled as a whole with compiled autograd; a negative result."""

from typing import Any

import torch
from torch import Tensor

from impls.contract import Domain, Task
from impls.linear.nn_sgd import ModuleWithSGD


def compiled_autograd() -> Any:
    """Makes torch.compile capture the backward pass too; needed when a function is wrapped, and at each of its calls."""
    config: Any = torch._dynamo.config
    return config.patch(compiled_autograd=True)


class CompiledAutograd(ModuleWithSGD):
    """The backward pass is captured again at every call; for two parameters that costs more than running it."""

    domain = Domain(modes={"compile": "thorough"})

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.loss = lambda x, y: self.criterion(self.model(x), y)
        with compiled_autograd():
            self.whole = task.compile(self._step)

    def advance(self, updates: int) -> None:
        with compiled_autograd():
            for _ in range(updates):
                self.whole(*next(self.batches))

    def _step(self, x: Tensor, y: Tensor) -> None:
        loss = self.loss(x, y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
