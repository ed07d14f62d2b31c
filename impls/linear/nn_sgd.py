"""The tutorial as a module: nn.Linear, nn.MSELoss and optim.SGD, the way most loops are written. The reference."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from impls.contract import Implementation, Task


class ModuleWithSGD(Implementation):
    """In compile mode forward pass and loss are compiled together; backward() and the optimizer stay eager."""

    def __init__(self, task: Task) -> None:
        self.task = task
        x, y = task.data["x"], task.data["y"].unsqueeze(1)
        self.columns = (x, y)
        self.model = nn.Linear(x.shape[1], 1, dtype=x.dtype, device=x.device)
        self.criterion = nn.MSELoss(reduction=task.loss)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=task.lr)
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
            self.optimizer.step()

    def weights(self) -> Mapping[str, Tensor]:
        return {"weight": self.model.weight.detach()[0], "bias": self.model.bias.detach()[0]}
