"""Step files for tests of races: a small net, and ways to write its update that are right, wrong, or break."""

STEP = '''"""A small net with BatchNorm on made-up data."""

import torch
from torch import nn
from torch.nn import functional as F


def model(hidden=16):
    return nn.Sequential(nn.Linear(8, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, 4))


def optimizer(model, lr=0.01):
    return torch.optim.Adam(model.parameters(), lr=lr)


def batches(seed, batch=32):
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield torch.randn(batch, 8, generator=generator), torch.randint(0, 4, (batch,), generator=generator)


def loss(model, batch):
    return F.cross_entropy(model(batch[0]), batch[1])
'''

WAYS = """
import threading
import time

def way_by_hand(model, optimizer, batch):
    value = loss(model, batch)
    for parameter, gradient in zip(model.parameters(), torch.autograd.grad(value, list(model.parameters()))):
        parameter.grad = gradient
    optimizer.step()
    return value.detach()


def way_without_zeroing(model, optimizer, batch):
    value = loss(model, batch)
    value.backward()
    optimizer.step()
    return value.detach()


def way_twice(model, optimizer, batch):
    loss(model, batch)
    optimizer.zero_grad()
    value = loss(model, batch)
    value.backward()
    optimizer.step()
    return value.detach()


calls = []


def way_wrong_after_40(model, optimizer, batch):
    calls.append(None)
    optimizer.zero_grad()
    value = loss(model, batch) * (1 if len(calls) <= 40 else 1.03)
    value.backward()
    optimizer.step()
    return value.detach()


threads = []


def way_in_a_thread(model, optimizer, batch):
    if threads:
        threads.pop().join()
    optimizer.zero_grad()
    value = loss(model, batch)
    threads.append(threading.Thread(target=lambda: (time.sleep(0.001), value.backward(), optimizer.step())))
    threads[-1].start()
    return value.detach()


def way_nothing(model, optimizer, batch):
    return torch.zeros(())


def way_breaks(model, optimizer, batch):
    raise ValueError("the planted fault")
"""
