"""A net whose forward reads numbers out of tensors with .item(): each ends a compiled graph.

As in isayevlab/aimnetcentral pull request 109: of 41 graph breaks nearly all were .item(), and compiled was slower.

    python -m bench run docs/gallery/item_in_forward.py --rewrite compile_loss --sweep reads=0:16
"""

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, width, layers, reads):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))
        self.reads = reads

    def forward(self, inputs):
        hidden = inputs
        for number, layer in enumerate(self.layers):
            hidden = torch.tanh(layer(hidden))
            largest = hidden.detach().abs().amax()
            if number < self.reads:
                hidden = hidden / (1 + largest.item())
            else:
                hidden = hidden / (1 + largest)
        return hidden


def model(width=32, layers=16, reads=8):
    return Net(width, layers, reads)


def optimizer(model, lr=0.01):
    return torch.optim.SGD(model.parameters(), lr=lr)


def batches(seed, batch=64, width=32):
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield torch.randn(batch, width, generator=generator)


def loss(model, batch):
    return nn.functional.mse_loss(model(batch), batch)
