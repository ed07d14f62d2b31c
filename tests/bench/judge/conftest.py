"""A small step with legal ways and mistaken ones to write its update, and its referee, prepared once."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from bench.judge.referee import Referee
from bench.judge.standard.observation import observe
from bench.results.record import Answer
from impls.contract.setting import Setting
from impls.recipe import step_file, steps
from impls.recipe.live_step import LiveStep
from impls.recipe.recipe import Recipe
from impls.recipe.step_file import StepFile

STEP = '''"""A classifier with BatchNorm, momentum and weight decay."""

import torch
from torch import nn
from torch.nn import functional as F


def model():
    return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 4), nn.Tanh(), nn.Linear(4, 3))


def optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3)


def batches(seed):
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield torch.randn(12, 6, generator=generator), torch.randint(3, (12,), generator=generator)


def loss(model, batch):
    return F.cross_entropy(model(batch[0]), batch[1])


def plain(model, optimizer, batch, factor=1.0):
    optimizer.zero_grad()
    value = loss(model, batch)
    value.backward()
    for parameter in model.parameters():
        parameter.grad.mul_(factor)
    optimizer.step()
    return value.detach()


def way_zeros(model, optimizer, batch):
    optimizer.zero_grad(set_to_none=False)
    value = loss(model, batch)
    value.backward()
    optimizer.step()
    return value.detach()


def way_foreach(model, optimizer, batch):
    optimizer.param_groups[0]["foreach"] = True
    return plain(model, optimizer, batch)


def way_permuted(model, optimizer, batch):
    return plain(model, optimizer, (batch[0].flip(0), batch[1].flip(0)))


def way_bf16(model, optimizer, batch):
    with torch.autocast("cpu", torch.bfloat16):
        value = loss(model, batch)
    optimizer.zero_grad()
    value.backward()
    optimizer.step()
    return value.detach()


def way_rate(model, optimizer, batch):
    optimizer.param_groups[0]["lr"] = 0.05 * 1.001
    return plain(model, optimizer, batch)


def way_rate_by_10_percent(model, optimizer, batch):
    optimizer.param_groups[0]["lr"] = 0.05 * 1.1
    return plain(model, optimizer, batch)


def way_factor(model, optimizer, batch):
    return plain(model, optimizer, batch, 1.001)


def way_no_decay(model, optimizer, batch):
    optimizer.param_groups[0]["weight_decay"] = 0.0
    return plain(model, optimizer, batch)


kept = []


def way_stale(model, optimizer, batch):
    kept.append(batch)
    return plain(model, optimizer, kept[0])


def way_no_zero_grad(model, optimizer, batch):
    value = loss(model, batch)
    value.backward()
    optimizer.step()
    return value.detach()


def way_uneven(model, optimizer, batch):
    optimizer.zero_grad()
    model[1].eval()
    parts = [(batch[0][:4], batch[1][:4]), (batch[0][4:], batch[1][4:])]
    value = sum(loss(model, part) / 2 for part in parts)
    value.backward()
    optimizer.step()
    model[1].train()
    return value.detach()


def way_checkpoint(model, optimizer, batch):
    from torch.utils.checkpoint import checkpoint

    optimizer.zero_grad()
    value = F.cross_entropy(checkpoint(model, batch[0], use_reentrant=False), batch[1])
    value.backward()
    optimizer.step()
    return value.detach()


def way_nothing(model, optimizer, batch):
    return loss(model, batch).detach()


def way_other_loss(model, optimizer, batch):
    return plain(model, optimizer, batch) * 1.1


def way_not_finite(model, optimizer, batch):
    value = plain(model, optimizer, batch)
    with torch.no_grad():
        model[3].weight[0, 0] = float("nan")
    return value
'''

Written = Callable[[str], tuple[StepFile, Setting]]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Small steps are quicker on one thread."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Writes the text of a step file; the file and its default setting."""

    def write(text: str) -> tuple[StepFile, Setting]:
        path: Path = tmp_path_factory.mktemp("steps") / "step.py"
        path.write_text(text)
        file = step_file.read(path)
        return file, steps.setting(file, {})

    return write


@pytest.fixture(scope="session")
def referee(written: Written) -> Referee:
    """The referee of the step above."""
    return Referee(*written(STEP), members=19)


@pytest.fixture(scope="session")
def judged(referee: Referee) -> Callable[[str], Answer]:
    """Judges a way to write the update, or a recipe."""

    def judge(name: str) -> Answer:
        recipe = Recipe.read(name)
        file, setting = referee.plain.file, referee.plain.setting
        single = observe(LiveStep(file, setting, recipe))
        return referee.judge(
            name, single, observe(LiveStep(file, dataclasses.replace(setting, dtype="float64"), recipe))
        )

    return judge
