"""Gradients of single samples, each clipped before they are added, as for private training: a loop, or vmap.

As in pytorch/functorch and pytorch/opacus issue 521.

    python -m bench run docs/gallery/per_sample_gradients.py --sweep batch=1:64
"""

import torch
from torch import nn
from torch.func import functional_call, grad_and_value, vmap


def model(hidden=32):
    return nn.Sequential(nn.Linear(16, hidden), nn.Tanh(), nn.Linear(hidden, 1))


def optimizer(model, lr=0.1):
    return torch.optim.SGD(model.parameters(), lr=lr)


def batches(seed, batch=16):
    generator = torch.Generator().manual_seed(seed)
    while True:
        inputs = torch.randn(batch, 16, generator=generator)
        yield inputs, inputs.sum(dim=1, keepdim=True).sin()


def clipped_mean(gradients):
    """The mean over the samples (first dimension) of gradients whose norm is clipped to 1."""
    norms = torch.stack([gradient.flatten(1).norm(dim=1) for gradient in gradients]).norm(dim=0)
    factors = 1 / norms.clamp(min=1)
    return [torch.einsum("s,s...->...", factors, gradient) / len(factors) for gradient in gradients]


def applied(model, optimizer, gradients):
    for parameter, gradient in zip(model.parameters(), clipped_mean(gradients), strict=True):
        parameter.grad = gradient
    optimizer.step()


def update(model, optimizer, batch):
    losses = [nn.functional.mse_loss(model(row), target) for row, target in zip(*batch, strict=True)]
    by_sample = [torch.autograd.grad(value, list(model.parameters())) for value in losses]
    applied(model, optimizer, [torch.stack(gradients) for gradients in zip(*by_sample, strict=True)])
    return torch.stack(losses).mean().detach()


def way_vmap(model, optimizer, batch):
    def loss(parameters, row, target):
        return nn.functional.mse_loss(functional_call(model, parameters, (row,)), target)

    parameters = {name: parameter.detach() for name, parameter in model.named_parameters()}
    gradients, losses = vmap(grad_and_value(loss), in_dims=(None, 0, 0))(parameters, *batch)
    applied(model, optimizer, list(gradients.values()))
    return losses.mean()
