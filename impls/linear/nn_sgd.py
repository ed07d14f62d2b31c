"""The tutorial as a module: nn.Linear, nn.MSELoss and optim.SGD, the way most loops are written. The reference."""

from collections.abc import Callable, Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from impls.contract import Domain, Implementation, Task


class ModuleWithSGD(Implementation):
    """In compile mode forward pass and loss are compiled together; backward() and the optimizer stay eager."""

    domain = Domain(modes={"eager": "quick", "compile": "standard"})
    flavour: ClassVar[dict[str, bool]] = {}

    def __init__(self, task: Task) -> None:
        self.task = task
        x, y = task.data["x"], task.data["y"].unsqueeze(1)
        self.columns = (x, y)
        self.model = nn.Linear(x.shape[1], 1, dtype=x.dtype, device=x.device)
        self.criterion = nn.MSELoss(reduction=task.loss)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=task.lr, **self.flavour)
        self.step: Callable[[], object] = self.optimizer.step
        self.loss = task.compile(lambda x, y: self.criterion(self.model(x), y))

    def reset(self) -> None:
        with torch.no_grad():
            self.model.weight.copy_(self.task.start["weight"])
            self.model.bias.copy_(self.task.start["bias"])
        self.optimizer.zero_grad()
        self.batches = self.task.batches(*self.columns)

    def advance(self, updates: int) -> None:
        for _ in range(updates):
            loss = self.loss(*next(self.batches))
            self.optimizer.zero_grad()
            loss.backward()
            self.step()

    def weights(self) -> Mapping[str, Tensor]:
        return {"weight": self.model.weight.detach()[0], "bias": self.model.bias.detach()[0]}
