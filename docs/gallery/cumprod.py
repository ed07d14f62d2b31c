"""A cumulative product along rows, whose backward pass was reported to be much slower when it is compiled.

Reported in pytorch/pytorch issue 136263, on a GPU; the decomposition is the same on every device.

    python -m bench run docs/gallery/cumprod.py --rewrite compile_loss --sweep length=64:4096
"""

import torch
from torch import nn


class Survival(nn.Module):
    """The probability to live longer than each moment: the product of those of the moments before."""

    def __init__(self, length):
        super().__init__()
        self.risk = nn.Parameter(torch.full((length,), -5.0))

    def forward(self, factors):
        return torch.cumprod(1 - factors * torch.sigmoid(self.risk), dim=1)


def model(length=1024):
    return Survival(length)


def optimizer(model, lr=0.01):
    return torch.optim.SGD(model.parameters(), lr=lr)


def batches(seed, people=64, length=1024):
    generator = torch.Generator().manual_seed(seed)
    while True:
        lifetime = torch.randint(length, (people, 1), generator=generator)
        yield {
            "factors": 0.5 + torch.rand(people, length, generator=generator),
            "alive": (torch.arange(length) < lifetime).float(),
        }


def loss(model, batch):
    return nn.functional.mse_loss(model(batch["factors"]), batch["alive"])
