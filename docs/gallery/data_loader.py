"""Batches of a small table by DataLoader, or by slicing: how much of an update is spent on fetching its batch?

Reported in pytorch/pytorch issue 106704. `stream` reads the file's own batches, plain reads batches that are there already.

    python -m bench run docs/gallery/data_loader.py --rewrite stream
    python -m bench run docs/gallery/data_loader.py --rewrite stream --set sliced=True
"""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def model(hidden=32):
    return nn.Sequential(nn.Linear(20, hidden), nn.ReLU(), nn.Linear(hidden, 5))


def optimizer(model, lr=0.1):
    return torch.optim.SGD(model.parameters(), lr=lr)


def batches(seed, batch=256, rows=20_480, sliced=False):
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(rows, 20, generator=generator)
    table = TensorDataset(inputs, inputs[:, :5].sin())
    while True:
        if sliced:
            for chosen in torch.randperm(rows, generator=generator).split(batch):
                yield table[chosen]
        else:
            yield from DataLoader(table, batch, shuffle=True, generator=generator)


def loss(model, batch):
    inputs, targets = batch
    return nn.functional.mse_loss(model(inputs), targets)
