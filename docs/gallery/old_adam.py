"""Adam on weights that long had no gradient: its moments have shrunk to numbers that this processor computes slowly.

Reported as "slower the longer it trains" in pytorch/pytorch issues 3863, 4737 and 21734. `age` is the number of updates since
the last gradient; the moments then are what Adam makes of them. They stop at a few units of the smallest float32.

    python -m bench run docs/gallery/old_adam.py --set age=2000
    python -m bench run docs/gallery/old_adam.py --set age=0
"""

import torch
from torch import nn


class Table(nn.Module):
    """A table of vectors, most of which are never looked up."""

    def __init__(self, rows, width):
        super().__init__()
        self.vectors = nn.Embedding(rows, width)

    def forward(self, row):
        return self.vectors(row).sum(dim=1)


def model(rows=4000, width=64):
    return Table(rows, width)


def optimizer(model, lr=1e-3, age=2000):
    adam = torch.optim.Adam(model.parameters(), lr=lr)
    smallest = torch.finfo(torch.float32).smallest_normal * torch.finfo(torch.float32).eps
    for parameter in model.parameters():
        adam.state[parameter] = {
            "step": torch.tensor(float(age)),
            "exp_avg": torch.full_like(parameter, max(1e-3 * 0.9**age, 4 * smallest)),
            "exp_avg_sq": torch.full_like(parameter, 1e-6 * 0.999**age),
        }
    return adam


def batches(seed, batch=64, rows=4000):
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield torch.randint(rows // 100, (batch,), generator=generator), torch.randn(batch, generator=generator)


def loss(model, batch):
    row, target = batch
    return nn.functional.mse_loss(model(row), target)
