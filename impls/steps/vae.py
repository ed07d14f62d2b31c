"""A variational autoencoder of small pictures of a spot: each update draws random numbers."""

import torch
from torch import nn
from torch.nn import functional as F


class Autoencoder(nn.Module):
    def __init__(self, pixels, hidden, code):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(pixels, hidden), nn.ReLU(), nn.Linear(hidden, 2 * code))
        self.decoder = nn.Sequential(nn.Linear(code, hidden), nn.ReLU(), nn.Linear(hidden, pixels))

    def forward(self, pictures):
        mean, log_variance = self.encoder(pictures).chunk(2, dim=1)
        code = mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)
        return self.decoder(code), mean, log_variance


def model(hidden=128, code=8, side=8):
    return Autoencoder(side * side, hidden, code)


def optimizer(model, lr=1e-3):
    return torch.optim.Adam(model.parameters(), lr=lr)


def batches(seed, batch=64, side=8):
    generator = torch.Generator().manual_seed(seed)
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    while True:
        row, column = side * torch.rand(2, batch, 1, 1, generator=generator)
        yield torch.exp(-((rows - row) ** 2 + (columns - column) ** 2) / side).flatten(1)


def loss(model, batch):
    decoded, mean, log_variance = model(batch)
    reconstruction = F.binary_cross_entropy_with_logits(decoded, batch, reduction="sum")
    divergence = -0.5 * torch.sum(1 + log_variance - mean.square() - log_variance.exp())
    return (reconstruction + divergence) / len(batch)
