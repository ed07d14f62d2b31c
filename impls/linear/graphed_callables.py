"""torch.cuda.make_graphed_callables around model and loss: two CUDA graphs, inside autograd; the optimizer stays eager."""

from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call

from impls.contract import Domain, Task
from impls.linear.nn_sgd import ModuleWithSGD


class GraphedCallables(ModuleWithSGD):
    """Full batches are read in place; mini-batches are copied to the memory that the graph reads."""

    domain = Domain(modes={"eager": "thorough"}, devices=("cuda",))

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        parameters = dict(self.model.named_parameters())
        # Captured with other tensors at the same addresses: autograd would tie the parameters to the stream of the
        # capture for good, and make every backward() wait for it.
        same = [parameter.detach().requires_grad_() for parameter in parameters.values()]

        def whole(x: Tensor, y: Tensor, *values: Tensor) -> Tensor:
            found = functional_call(self.model, dict(zip(parameters, values, strict=True)), (x,))
            loss: Tensor = self.criterion(found, y)
            return loss

        graphed: Any = torch.cuda.make_graphed_callables(whole, (*next(task.batches(*self.columns)), *same))
        self.loss = lambda x, y: graphed(x, y, *parameters.values())
