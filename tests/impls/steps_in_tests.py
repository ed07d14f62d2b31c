"""Step files that tests write, read and run."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from impls.contract.setting import Setting
from impls.contract.values import ParameterValue
from impls.recipe.live_step import LiveStep
from impls.recipe.recipe import Recipe
from impls.recipe.step_file import StepFile, read

# Every rewrite for a CPU has something to do in it: convolutions, blocks, momentum, `gradients`, even batches.
PATTERNS = '''"""Tells patterns in small images apart."""

import torch
from torch import nn


def model(channels=4):
    block = nn.Sequential(nn.Linear(4 * channels, 16), nn.ReLU(), nn.Linear(16, 10))
    return nn.Sequential(nn.Conv2d(3, channels, 3, stride=2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), block)


def optimizer(model, lr=0.01, foreach=False):
    return torch.optim.AdamW(model.parameters(), lr=lr, foreach=foreach)


def batches(seed, batch=8):
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield torch.randn(batch, 3, 12, 12, generator=generator), torch.randint(10, (batch,), generator=generator)


def loss(model, batch):
    images, labels = batch
    return nn.functional.cross_entropy(model(images), labels)


def gradients(model):
    nn.utils.clip_grad_norm_(model.parameters(), 0.5)
'''


def written(folder: Path, source: str, name: str = "step.py") -> StepFile:
    """The step in a file of this content."""
    path = folder / name
    path.write_text(source, encoding="utf-8")
    return read(path)


def live(file: StepFile, recipe: str = "plain", dtype: str = "float32", **parameters: ParameterValue) -> LiveStep:
    """The step as it runs, with some of its parameters set."""
    values = tuple(sorted((dict(file.parameters) | parameters).items()))
    return LiveStep(file, Setting(updates=10, dtype=dtype, parameters=values), Recipe.read(recipe))


@pytest.fixture
def same_process() -> Iterator[None]:
    """Puts back what a rewrite sets for the whole process."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    torch.set_flush_denormal(False)
    gc.enable()
    gc.unfreeze()
