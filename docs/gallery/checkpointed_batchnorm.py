"""Activation checkpointing over BatchNorm: the same loss, the same gradients, other running statistics.

Reported in pytorch/pytorch issues 96136 and 62471 and in Tencent/YOLO-Master issue 262: what is computed twice moves twice.

    python -m bench run docs/gallery/checkpointed_batchnorm.py
"""

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint


def model(width=64, blocks=8):
    return nn.Sequential(
        *(nn.Sequential(nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU()) for _ in range(blocks))
    )


def optimizer(model, lr=0.01):
    return torch.optim.SGD(model.parameters(), lr=lr)


def batches(seed, batch=64, width=64):
    generator = torch.Generator().manual_seed(seed)
    while True:
        inputs = torch.randn(batch, width, generator=generator)
        yield inputs, inputs.flip(1)


def loss(model, batch):
    inputs, targets = batch
    return nn.functional.mse_loss(model(inputs), targets)


def way_checkpointed(model, optimizer, batch):
    hidden, targets = batch
    optimizer.zero_grad()
    for block in model:
        hidden = checkpoint(block, hidden, use_reentrant=False)
    value = nn.functional.mse_loss(hidden, targets)
    value.backward()
    optimizer.step()
    return value.detach()
