"""The functional way: torch.func.grad_and_value of a loss that calls nn.Linear through functional_call."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value

from impls.contract import Domain, Implementation, Task


class FuncGrad(Implementation):
    """Parameters are values, not state of the module. In compile mode the whole update is one graph."""

    domain = Domain(modes={"eager": "thorough", "compile": "thorough", "cpp-wrapper": "thorough"})

    def __init__(self, task: Task) -> None:
        self.task = task
        x, y = task.data["x"], task.data["y"].unsqueeze(1)
        self.columns = (x, y)
        self.model = nn.Linear(x.shape[1], 1, dtype=x.dtype, device=x.device)
        self.criterion = nn.MSELoss(reduction=task.loss)
        self.update = task.compile(self._update)

    def reset(self) -> None:
        start = self.task.start
        self.parameters = {"weight": start["weight"].clone().unsqueeze(0), "bias": start["bias"].clone().reshape(1)}
        self.batches = self.task.batches(*self.columns)

    @torch.no_grad()
    def advance(self, updates: int) -> None:
        for _ in range(updates):
            self.parameters = self.update(self.parameters, *next(self.batches))

    def weights(self) -> Mapping[str, Tensor]:
        return {"weight": self.parameters["weight"][0], "bias": self.parameters["bias"][0]}

    def _loss(self, parameters: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        loss: Tensor = self.criterion(functional_call(self.model, parameters, (x,)), y)
        return loss

    def _update(self, parameters: dict[str, Tensor], x: Tensor, y: Tensor) -> dict[str, Tensor]:
        gradients, _ = grad_and_value(self._loss)(parameters, x, y)
        return {name: value - self.task.lr * gradients[name] for name, value in parameters.items()}
