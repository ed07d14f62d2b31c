"""torch.cuda.make_graphed_callables around model and loss: two CUDA graphs, inside autograd; the optimizer stays eager."""

from typing import Any

import torch
from torch import Tensor, nn

from impls.contract import Domain, Task
from impls.linear.nn_sgd import ModuleWithSGD


class GraphedCallables(ModuleWithSGD):
    """Full batches are read where they lie; mini-batches are copied to where the graph reads."""

    domain = Domain(modes={"eager": "thorough"}, devices=("cuda",))

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        # A module, not a function: only a module's parameters are given gradients.
        whole: Any = _ModelWithLoss(self.model, self.criterion)
        self.loss = torch.cuda.make_graphed_callables(whole, next(task.batches(*self.columns)))


class _ModelWithLoss(nn.Module):
    def __init__(self, model: nn.Module, criterion: nn.Module) -> None:
        super().__init__()
        self.model, self.criterion = model, criterion

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        loss: Tensor = self.criterion(self.model(x), y)
        return loss
