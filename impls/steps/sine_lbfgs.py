"""An LSTM cell that continues noisy sine waves, by LBFGS: a closure computes the loss several times in each update."""

import math

import torch
from torch import nn
from torch.nn import functional as F


class Waves(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.cell = nn.LSTMCell(1, hidden)
        self.head = nn.Linear(hidden, 1)

    def forward(self, waves):
        state = None
        heights = []
        for moment in range(waves.shape[1]):
            state = self.cell(waves[:, moment : moment + 1], state)
            heights.append(self.head(state[0]))
        return torch.cat(heights, dim=1)


def model(hidden=16):
    return Waves(hidden)


def optimizer(model, iterations=3):
    return torch.optim.LBFGS(model.parameters(), lr=0.8, max_iter=iterations)


def batches(seed, waves=16, length=6):
    generator = torch.Generator().manual_seed(seed)
    phases = 2 * math.pi * torch.rand(waves, 1, generator=generator)
    heights = torch.sin(phases + 0.5 * torch.arange(length + 1))
    heights += 0.1 * torch.randn(heights.shape, generator=generator)
    while True:
        yield heights[:, :-1], heights[:, 1:]


def loss(model, batch):
    waves, following = batch
    return F.mse_loss(model(waves), following)


def update(model, optimizer, batch):
    def evaluate():
        optimizer.zero_grad()
        value = loss(model, batch)
        value.backward()
        return value

    return optimizer.step(evaluate).detach()
