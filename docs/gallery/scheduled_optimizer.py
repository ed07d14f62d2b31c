"""A compiled optimizer under a schedule: a learning rate that is a Python number is compiled in, again at each update.

Reported in pytorch/pytorch issues 120934, 130467 and 133898. At dynamo's limit of recompilations the call runs eagerly.

    python -m bench run docs/gallery/scheduled_optimizer.py
"""

import torch
from torch import nn


def model(width=16, layers=4):
    return nn.Sequential(*(nn.Linear(width, width) for _ in range(layers)))


def optimizer(model, lr=1e-3):
    return torch.optim.Adam(model.parameters(), lr=lr)


def schedule(optimizer, number):
    for group in optimizer.param_groups:
        group["lr"] = optimizer.defaults["lr"] / (1 + number / 100)


def batches(seed, batch=32, width=16):
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield torch.randn(batch, width, generator=generator)


def loss(model, batch):
    return nn.functional.mse_loss(model(batch), batch)


@torch.compile
def compiled_step(optimizer):
    optimizer.step()


def way_compiled_float(model, optimizer, batch):
    """The learning rate stays a float."""
    optimizer.zero_grad()
    value = loss(model, batch)
    value.backward()
    compiled_step(optimizer)
    return value.detach()


def way_compiled_tensor(model, optimizer, batch):
    """The learning rate is given to the compiled call as a tensor."""
    optimizer.zero_grad()
    value = loss(model, batch)
    value.backward()
    (group,) = optimizer.param_groups
    number = group["lr"]
    group["lr"] = torch.tensor(number, dtype=torch.float64)
    compiled_step(optimizer)
    group["lr"] = number
    return value.detach()
