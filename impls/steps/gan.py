"""A generative adversarial net on eight clusters in the plane: two nets, two optimizers, an update of its own."""

import math

import torch
from torch import nn
from torch.nn import functional as F


def model(hidden=64, noise=8):
    return nn.ModuleDict(
        {
            "generator": nn.Sequential(nn.Linear(noise, hidden), nn.ReLU(), nn.Linear(hidden, 2)),
            "discriminator": nn.Sequential(nn.Linear(2, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, 1)),
        }
    )


def optimizer(model, lr=2e-4):
    return {name: torch.optim.Adam(net.parameters(), lr=lr, betas=(0.5, 0.999)) for name, net in model.items()}


def batches(seed, batch=64, noise=8):
    generator = torch.Generator().manual_seed(seed)
    while True:
        angles = torch.randint(8, (batch,), generator=generator) * (math.pi / 4)
        centres = torch.stack([angles.cos(), angles.sin()], dim=1)
        points = centres + 0.05 * torch.randn(batch, 2, generator=generator)
        yield {"real": points, "noise": torch.randn(batch, noise, generator=generator)}


def update(model, optimizer, batch):
    generator, discriminator = model["generator"], model["discriminator"]
    real, fake = batch["real"], generator(batch["noise"])
    ones, zeros = real.new_ones(len(real), 1), real.new_zeros(len(real), 1)

    optimizer["discriminator"].zero_grad()
    on_real = F.binary_cross_entropy_with_logits(discriminator(real), ones)
    on_fake = F.binary_cross_entropy_with_logits(discriminator(fake.detach()), zeros)
    (on_real + on_fake).backward()
    optimizer["discriminator"].step()

    optimizer["generator"].zero_grad()
    fooled = F.binary_cross_entropy_with_logits(discriminator(fake), ones)
    fooled.backward()
    optimizer["generator"].step()
    return {"discriminator": (on_real + on_fake).detach(), "generator": fooled.detach()}
