"""The optimizer alone, over many small tensors: loop, foreach and fused.

Asked in pytorch/pytorch pull request 123074 and issue 120308. Gradients are given, so nothing but the step is timed.

    python -m bench run docs/gallery/many_small_tensors.py --rewrite fused --rewrite foreach --sweep numbers=16:65536
"""

import torch
from torch import nn


def model(tensors=100, numbers=256):
    return nn.ParameterList(torch.randn(numbers) for _ in range(tensors))


def optimizer(model, lr=1e-3):
    return torch.optim.AdamW(model.parameters(), lr=lr)


def batches(seed, tensors=100, numbers=256):
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield [torch.randn(numbers, generator=generator) for _ in range(tensors)]


def update(model, optimizer, batch):
    for parameter, gradient in zip(model, batch, strict=True):
        parameter.grad = gradient
    optimizer.step()
