"""Steps whose state is of every kind that a reset has to put back, by what is special about each."""

from textwrap import dedent

BEGIN = '''"""A step."""
import copy
import random

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

def batches(seed):
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield torch.randn(8, 4, generator=generator)
'''
PARTS = {
    "model": "def model():\n    return nn.Linear(4, 4)\n",
    "optimizer": "def optimizer(model):\n    return torch.optim.Adam(model.parameters(), lr=0.05)\n",
    "loss": "def loss(model, batch):\n    return (model(batch) - batch.flip(1)).square().mean()\n",
}


def step(**parts: str) -> str:
    """A step file with these functions instead of the usual ones; an empty text leaves one out."""
    return BEGIN + "\n".join(dedent(part) for part in (PARTS | parts).values())


PLAIN_OBJECT = """
    class Net:
        {slots}
        def __init__(self):
            self.weight = torch.zeros(4, 4, requires_grad=True)
            self.speed = torch.zeros(4, 4)
            self.calls = 0

        def __call__(self, batch):
            self.calls += 1
            return batch @ self.weight

    def model():
        return Net()
    """
BY_HAND = """
    def update(model, optimizer, batch):
        value = (model(batch) - batch.flip(1)).square().mean() / (1 + model.calls)
        (gradient,) = torch.autograd.grad(value, [model.weight])
        with torch.no_grad():
            model.speed.mul_(0.9).add_(gradient)
            model.weight.sub_(0.1 * model.speed)
        return value.detach()
    """

STATES = {
    "buffers": step(model="def model():\n    return nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))\n"),
    "tied weights": step(
        model="""
        def model():
            made = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4))
            made[2].weight = made[0].weight
            return made
        """
    ),
    "sparse gradients": step(
        model="def model():\n    return nn.Embedding(9, 4, sparse=True)\n",
        optimizer="def optimizer(model):\n    return torch.optim.SparseAdam(model.parameters())\n",
        loss="def loss(model, batch):\n    return model(batch[0].long().abs()).square().mean()\n",
    ),
    "empty parameters": step(
        model="""
        def model():
            made = nn.Linear(4, 4)
            made.nothing = nn.Parameter(torch.empty(0))
            return made
        """
    ),
    "an optimizer's scheduler": step(
        optimizer="""
        def optimizer(model):
            made = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
            return made, torch.optim.lr_scheduler.StepLR(made, 2, 0.5)
        """,
        loss="",
        update="""
        def update(model, optimizer, batch):
            own, scheduler = optimizer
            own.zero_grad()
            value = (model(batch) - batch.flip(1)).square().mean()
            value.backward()
            own.step()
            scheduler.step()
            return value.detach()
        """,
    ),
    "a scaler": step(
        optimizer="""
        def optimizer(model):
            scaler = torch.amp.GradScaler("cpu", init_scale=4.0, growth_interval=2)
            return {"own": torch.optim.SGD(model.parameters(), lr=0.1), "scaler": scaler}
        """,
        loss="",
        update="""
        def update(model, optimizer, batch):
            own, scaler = optimizer["own"], optimizer["scaler"]
            own.zero_grad()
            value = (model(batch) - batch.flip(1)).square().mean()
            scaler.scale(value).backward()
            scaler.step(own)
            scaler.update()
            return value.detach() * scaler.get_scale()
        """,
    ),
    "several optimizers": step(
        model="def model():\n    return {'a': nn.Linear(4, 4), 'b': nn.Linear(4, 4)}\n",
        optimizer="def optimizer(model):\n    return [torch.optim.Adam(net.parameters()) for net in model.values()]\n",
        loss="",
        update="""
        def update(model, optimizer, batch):
            value = model["b"](model["a"](batch)).square().mean()
            value.backward()
            for one in optimizer:
                one.step()
                one.zero_grad()
            return value.detach()
        """,
    ),
    "a hidden state that is carried": step(
        model="""
        class Carry(nn.Module):
            def __init__(self):
                super().__init__()
                self.cell = nn.GRUCell(4, 4)
                self.hidden = None

            def forward(self, batch):
                hidden = self.cell(batch, self.hidden)
                self.hidden = hidden.detach()
                return hidden

        def model():
            return Carry()
        """
    ),
    "random numbers of torch": step(model="def model():\n    return nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5))\n"),
    "other random numbers": step(
        model="""
        class Noisy(nn.Linear):
            def __init__(self):
                super().__init__(4, 4)
                self.generators = [random.Random(1), np.random.default_rng(2), torch.Generator().manual_seed(3)]

            def forward(self, batch):
                python, numpy, own = self.generators
                noise = python.random() + numpy.random() + torch.rand((), generator=own)
                return super().forward(batch) + noise + random.random() + float(np.random.rand())

        def model():
            return Noisy()
        """
    ),
    "a closure": step(
        optimizer="def optimizer(model):\n    return torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=3)\n",
        loss="",
        update="""
        def update(model, optimizer, batch):
            def evaluate():
                optimizer.zero_grad()
                value = (model(batch) - batch.flip(1)).square().mean()
                value.backward()
                return value

            return optimizer.step(evaluate).detach()
        """,
    ),
    "flags that an update changes, and what it prints": step(
        model="""
        class Loud(nn.Linear):
            def forward(self, batch):
                print("forward")
                self.train(not self.training)
                return super().forward(batch) * (2 if self.training else 1)

        def model():
            return Loud(4, 4)
        """
    ),
    "objects that copy only deeply": step(
        model="""
        class Teacher:
            def __init__(self, pupil):
                self.pupil = copy.deepcopy(pupil)

            def follow(self, pupil):
                with torch.no_grad():
                    for own, its in zip(self.pupil.parameters(), pupil.parameters()):
                        own.lerp_(its, 0.1)

        class Taught(nn.Linear):
            def __init__(self):
                super().__init__(4, 4)
                self.teacher = [Teacher(nn.Linear(4, 4))]

        def model():
            return Taught()
        """,
        loss="""
        def loss(model, batch):
            return (model(batch) - model.teacher[0].pupil(batch).detach()).square().mean()
        """,
        gradients="def gradients(model):\n    model.teacher[0].follow(model)\n",
    ),
    "arrays of NumPy": step(
        model="""
        def model():
            made = nn.Linear(4, 4)
            made.losses = np.zeros(3)
            return made
        """,
        loss="""
        def loss(model, batch):
            value = (model(batch) - batch.flip(1)).square().mean()
            model.losses[1:] = model.losses[:-1]
            model.losses[0] = value.item()
            return value * (1 + float(model.losses.sum()))
        """,
    ),
    "a plain object": step(model=PLAIN_OBJECT.format(slots=""), optimizer="", loss="", update=BY_HAND),
    "a plain object with slots": step(
        model=PLAIN_OBJECT.format(slots='__slots__ = ("calls", "speed", "weight")'),
        optimizer="",
        loss="",
        update=BY_HAND,
    ),
    "what the file keeps at its top level": step(
        model="""
        count = 0
        mean = torch.zeros(4)
        seen = []

        def model():
            return nn.Linear(4, 4)
        """,
        loss="""
        def loss(model, batch):
            global count
            count += 1
            mean.lerp_(batch.mean(0), 0.5)
            seen.append(len(seen))
            return (model(batch) - mean).square().mean() * (count + len(seen))
        """,
    ),
    "a batch that an update writes to": step(
        loss="""
        def loss(model, batch):
            batch.mul_(0.5)
            return (model(batch) - 1).square().mean()
        """
    ),
}
