"""A regression by a wide net: is bfloat16 faster on this processor, and what does it cost in accuracy?

Reported in pytorch/pytorch issue 118499: 90 times slower under autocast, on a processor without arithmetic for bfloat16.

    python -m bench run docs/gallery/bfloat16.py --rewrite 'bf16*'
"""

import torch
from torch import nn


def model(hidden=512):
    return nn.Sequential(nn.Linear(1, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1))


def optimizer(model, lr=0.01):
    return torch.optim.SGD(model.parameters(), lr=lr)


def batches(seed, batch=100):
    generator = torch.Generator().manual_seed(seed)
    while True:
        inputs = 2 * torch.rand(batch, 1, generator=generator) - 1
        yield inputs, torch.sin(3 * inputs)


def loss(model, batch):
    inputs, targets = batch
    return nn.functional.mse_loss(model(inputs), targets)
