"""REINFORCE on a grid: walkers draw each of their moves, and learn to stay near the goal in the middle."""

import torch
from torch import nn
from torch.nn import functional as F


def model(side=7, hidden=64):
    return nn.Sequential(nn.Linear(2 * side, hidden), nn.Tanh(), nn.Linear(hidden, 4))


def optimizer(model, lr=3e-3):
    return torch.optim.Adam(model.parameters(), lr=lr)


def batches(seed, batch=64, side=7):
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield torch.randint(side, (batch, 2), generator=generator)


def seen(place, side, model):
    weight = model[0].weight
    return torch.eye(side, dtype=weight.dtype, device=weight.device)[place].flatten(1)


def moved(place, action, side):
    """Up, down, left or right; walls hold."""
    along = 2 * (action % 2) - 1
    return (place + torch.stack([along * (action < 2), along * (action >= 2)], dim=1)).clamp(0, side - 1)


def loss(model, batch, side=7, moves=4, discount=0.9):
    place = batch
    chosen, rewards = [], []
    for _ in range(moves):
        log_probabilities = F.log_softmax(model(seen(place, side, model)), dim=1)
        action = torch.multinomial(log_probabilities.detach().exp(), 1)
        chosen.append(log_probabilities.gather(1, action).squeeze(1))
        place = moved(place, action.squeeze(1), side)
        rewards.append(-(place - side // 2).abs().sum(dim=1) / side)
    returns = []
    following = 0
    for reward in reversed(rewards):
        following = reward + discount * following
        returns.insert(0, following)
    returns = torch.stack(returns)
    advantage = returns - returns.mean(dim=1, keepdim=True)
    return -(torch.stack(chosen) * advantage).mean()
