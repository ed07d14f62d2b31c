"""A classifier of handwritten digits with dropout, on pictures to which each update adds noise."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F


def model(hidden=128, p=0.3):
    return nn.Sequential(
        nn.Linear(64, hidden),
        nn.ReLU(),
        nn.Dropout(p),
        nn.Linear(hidden, hidden),
        nn.ReLU(),
        nn.Dropout(p),
        nn.Linear(hidden, 10),
    )


def optimizer(model, lr=1e-3):
    return torch.optim.Adam(model.parameters(), lr=lr)


def batches(seed, batch=64):
    images, labels = load_digits(return_X_y=True)
    images, labels = torch.tensor(images / 16, dtype=torch.float32), torch.tensor(labels)
    generator = torch.Generator().manual_seed(seed)
    while True:
        rows = torch.randint(len(images), (batch,), generator=generator)
        yield {"image": images[rows], "label": labels[rows]}


def augmented(images, noise):
    return images + noise * torch.randn_like(images)


def loss(model, batch, noise=0.2):
    return F.cross_entropy(model(augmented(batch["image"], noise)), batch["label"])
