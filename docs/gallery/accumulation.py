"""Gradient accumulation over sentences of unequal length: the mean of means is not the mean.

Found in 2024 in several training libraries at once: parts of a batch hold unequal numbers of words, so dividing each part by
its own number weighs the words of short parts too much.

    python -m bench run docs/gallery/accumulation.py
"""

import torch
from torch import nn

WORDS = 50


def model(width=32):
    return nn.Sequential(nn.Embedding(WORDS, width), nn.Linear(width, WORDS))


def optimizer(model, lr=0.1):
    return torch.optim.SGD(model.parameters(), lr=lr)


def batches(seed, batch=32, length=20):
    generator = torch.Generator().manual_seed(seed)
    while True:
        words = torch.randint(WORDS, (batch, length), generator=generator)
        lengths = torch.randint(2, length + 1, (batch, 1), generator=generator)
        following = (3 * words + 1) % WORDS
        yield words, following.masked_fill(torch.arange(length) >= lengths, -100)  # -100: no word, does not count


def loss(model, batch):
    words, following = batch
    return nn.functional.cross_entropy(model(words).flatten(0, 1), following.flatten())


def way_mean_of_means(model, optimizer, batch):
    optimizer.zero_grad()
    parts = list(zip(*(tensor.chunk(4) for tensor in batch), strict=True))
    losses = [loss(model, part) / len(parts) for part in parts]
    torch.stack(losses).sum().backward()
    optimizer.step()
    return torch.stack(losses).sum().detach()


def way_weighted(model, optimizer, batch):
    optimizer.zero_grad()
    words = (batch[1] >= 0).sum()
    parts = list(zip(*(tensor.chunk(4) for tensor in batch), strict=True))
    losses = [loss(model, part) * (part[1] >= 0).sum() / words for part in parts]
    torch.stack(losses).sum().backward()
    optimizer.step()
    return torch.stack(losses).sum().detach()
