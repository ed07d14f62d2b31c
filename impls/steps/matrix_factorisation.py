"""Factorisation of a matrix of ratings: embeddings whose gradients are sparse, and SparseAdam."""

import torch
from torch import nn
from torch.nn import functional as F


class Factors(nn.Module):
    def __init__(self, users, items, factors):
        super().__init__()
        self.users = nn.Embedding(users, factors, sparse=True)
        self.items = nn.Embedding(items, factors, sparse=True)

    def forward(self, user, item):
        return (self.users(user) * self.items(item)).sum(dim=1)


def model(users=2000, items=1000, factors=16):
    return Factors(users, items, factors)


def optimizer(model, lr=0.01):
    return torch.optim.SparseAdam(model.parameters(), lr=lr)


def batches(seed, batch=128, users=2000, items=1000):
    generator = torch.Generator().manual_seed(seed)
    true_users = torch.randn(users, 4, generator=generator)
    true_items = torch.randn(items, 4, generator=generator)
    while True:
        user = torch.randint(users, (batch,), generator=generator)
        item = torch.randint(items, (batch,), generator=generator)
        yield user, item, (true_users[user] * true_items[item]).sum(dim=1)


def loss(model, batch):
    user, item, rating = batch
    return F.mse_loss(model(user, item), rating)
