"""The gradient returned by torch.autograd.grad, instead of accumulated into .grad by backward()."""

import torch

from impls.contract import Domain
from impls.linear.no_grad import NoGrad


class AutogradGrad(NoGrad):
    """There is nothing to clear, because every gradient is a new tensor. In compile mode the loss is compiled."""

    domain = Domain(modes={"eager": "thorough", "compile": "thorough"})

    def advance(self, updates: int) -> None:
        parameters, lr = (self.weight, self.bias), self.task.lr
        for _ in range(updates):
            gradients = torch.autograd.grad(self.loss(*parameters, *next(self.batches)), parameters)
            with torch.no_grad():
                for parameter, gradient in zip(parameters, gradients, strict=True):
                    parameter.sub_(gradient, alpha=lr)
