"""A convolutional net with BatchNorm that tells ten patterns apart in small noisy images."""

import torch
from torch import nn
from torch.nn import functional as F


def model(channels=16):
    return nn.Sequential(
        nn.Conv2d(3, channels, 3, padding=1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(channels, 2 * channels, 3, padding=1, bias=False),
        nn.BatchNorm2d(2 * channels),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(8 * channels, 10),
    )


def optimizer(model, lr=0.05):
    return torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9, weight_decay=5e-4)


def batches(seed, batch=32, side=16):
    generator = torch.Generator().manual_seed(seed)
    patterns = torch.randn(10, 3, side, side, generator=generator)
    while True:
        labels = torch.randint(10, (batch,), generator=generator)
        noise = torch.randn(batch, 3, side, side, generator=generator)
        yield patterns[labels] + noise, labels


def loss(model, batch):
    images, labels = batch
    return F.cross_entropy(model(images), labels)
