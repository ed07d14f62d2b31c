"""A batch of small products by broadcasting, and the same by einsum: one call of a matrix product for each pair, or one.

Reported in pytorch/pytorch issue 110858: (3, 64, 64) @ (4096, 3, 64, 1) took 75 times as long as the einsum.

    python -m bench run docs/gallery/broadcast_matmul.py
"""

import torch
from torch import nn


class Heads(nn.Module):
    def __init__(self, heads, width):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(heads, width, width) / width**0.5)


def model(heads=3, width=64):
    return Heads(heads, width)


def optimizer(model, lr=0.01):
    return torch.optim.SGD(model.parameters(), lr=lr)


def batches(seed, batch=512, heads=3, width=64):
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield tuple(torch.randn(2, batch, heads, width, generator=generator))


def broadcast(weight, inputs):
    return (weight @ inputs.unsqueeze(-1)).squeeze(-1)


def einsum(weight, inputs):
    return torch.einsum("hij,bhj->bhi", weight, inputs)


def trained(product, model, optimizer, batch):
    inputs, targets = batch
    optimizer.zero_grad()
    value = nn.functional.mse_loss(product(model.weight, inputs), targets)
    value.backward()
    optimizer.step()
    return value.detach()


def update(model, optimizer, batch):
    return trained(broadcast, model, optimizer, batch)


def way_einsum(model, optimizer, batch):
    return trained(einsum, model, optimizer, batch)
