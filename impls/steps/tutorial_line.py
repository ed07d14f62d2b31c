"""A line through 100 000 noisy points: one weight and one bias, by gradient descent on all points at once."""

import torch
from torch import nn

squared_error = nn.MSELoss()


def model():
    return nn.Linear(1, 1)


def optimizer(model, lr=0.01):
    return torch.optim.SGD(model.parameters(), lr=lr)


def batches(seed, rows=100_000):
    generator = torch.Generator().manual_seed(seed)
    x = torch.linspace(-3, 3, rows).unsqueeze(1)
    y = x + 1.2 * torch.rand(rows, 1, generator=generator)
    while True:
        yield x, y


def loss(model, batch):
    x, y = batch
    return squared_error(model(x), y)
