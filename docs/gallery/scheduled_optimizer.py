"""A compiled optimizer under a schedule that moves Python numbers: which of them are compiled in, again at each update?

Reported in pytorch/pytorch issues 120934, 130467 and 133898. The learning rate alone is compiled in twice and then becomes a
variable; betas, which OneCycleLR moves too, are compiled in until dynamo's limit is reached, and the call runs eagerly then.

    python -m bench run docs/gallery/scheduled_optimizer.py --rewrite fused --set betas=False
    python -m bench run docs/gallery/scheduled_optimizer.py --rewrite fused --set betas=True --limit 10m
"""

import torch
from torch import nn


def model(width=16):
    return nn.Linear(width, width)


def optimizer(model, lr=1e-3):
    return torch.optim.Adam(model.parameters(), lr=lr)


def schedule(optimizer, number, betas=True):
    (group,) = optimizer.param_groups
    progress = 1 / (1 + number / 100)
    group["lr"] = optimizer.defaults["lr"] * progress
    if betas:
        group["betas"] = (0.95 - 0.1 * progress, 0.999)


def batches(seed, batch=32, width=16):
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield torch.randn(batch, width, generator=generator)


def loss(model, batch):
    return nn.functional.mse_loss(model(batch), batch)


@torch.compile
def compiled_step(optimizer):
    optimizer.step()


def way_compiled(model, optimizer, batch):
    optimizer.zero_grad()
    value = loss(model, batch)
    value.backward()
    compiled_step(optimizer)
    return value.detach()
