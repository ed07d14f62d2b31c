"""A net whose layers read a number out of a tensor with .item(): each such read ends a compiled graph.

As in isayevlab/aimnetcentral pull request 109: of 41 graph breaks nearly all were .item(), and compiled was slower.

    python -m bench run docs/gallery/item_in_forward.py --rewrite compile_loss --set reads=0
    python -m bench run docs/gallery/item_in_forward.py --rewrite compile_loss --set reads=1
"""

import torch
from torch import nn


class Gate(nn.Module):
    def __init__(self, width, reads):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(width))
        self.register_buffer("scale", torch.tensor(2.0))
        self.reads = reads

    def forward(self, inputs):
        scale = self.scale.item() if self.reads else self.scale
        return inputs + 0.1 * torch.tanh(self.weight * inputs / scale)


def model(width=32, layers=16, reads=1):
    return nn.Sequential(*(Gate(width, number < reads) for number in range(layers)))


def optimizer(model, lr=0.01):
    return torch.optim.SGD(model.parameters(), lr=lr)


def batches(seed, batch=64, width=32):
    generator = torch.Generator().manual_seed(seed)
    while True:
        inputs = torch.randn(batch, width, generator=generator)
        yield inputs, 1.2 * inputs


def loss(model, batch):
    inputs, targets = batch
    return nn.functional.mse_loss(model(inputs), targets)
