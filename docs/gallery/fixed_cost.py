"""A few operations on a few numbers: from which size does a compiled call pay for its fixed cost?

Asked in pytorch/pytorch issue 122029.

    python -m bench run docs/gallery/fixed_cost.py --rewrite 'compile*' --sweep size=8:1e6
"""

import torch
from torch import nn


class Curve(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.height = nn.Parameter(torch.ones(size))

    def forward(self, inputs):
        return torch.sigmoid(inputs * self.height + 1)


def model(size=1000):
    return Curve(size)


def optimizer(model, lr=0.01):
    return torch.optim.SGD(model.parameters(), lr=lr)


def batches(seed, size=1000):
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield torch.rand(2, size, generator=generator)


def loss(model, batch):
    inputs, targets = batch
    return (model(inputs) - targets).square().sum()
