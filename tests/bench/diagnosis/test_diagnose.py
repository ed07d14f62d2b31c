"""Whose fault a different answer is: that of the lines, of the capture or of the compiler; and the script that shows it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.diagnosis.diagnose import NOT_AGAIN, OUT_OF_TIME, Diagnosis
from bench.messages.diagnosis import Diagnosed
from impls.contract.setting import Setting
from impls.recipe.recipe import Recipe
from tests.impls.steps_in_tests import written

STEP = '''"""A classifier with BatchNorm and weight decay."""

import torch
from torch import nn
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn import functional as F


def model(hidden=8):
    return nn.Sequential(nn.Linear(6, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, 3))


def optimizer(model, lr=0.1):
    return torch.optim.SGD(model.parameters(), lr=lr, weight_decay=0.01)


def batches(seed):
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield torch.randn(12, 6, generator=generator), torch.randint(3, (12,), generator=generator)


def loss(model, batch):
    return F.cross_entropy(model(batch[0]), batch[1])


current, graphs = {}, {}


def way_frozen(model, optimizer, batch):
    """The graph of the loss reads outputs only, so it keeps the labels that it was captured with."""
    current["labels"] = batch[1]

    def gradient(outputs):
        outputs = outputs.detach().requires_grad_()
        return torch.autograd.grad(F.cross_entropy(outputs, current["labels"]), outputs)[0]

    outputs = model(batch[0])
    if "gradient" not in graphs:
        graphs["gradient"] = make_fx(gradient)(outputs)
    optimizer.zero_grad()
    outputs.backward(graphs["gradient"](outputs))
    optimizer.step()
'''

LINE = '''"""A line through points, with weight decay."""

import torch
from torch import nn
from torch.nn import functional as F


def model():
    return nn.Linear(6, 4, bias=False)


def optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=0.01)


def batches(seed):
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield torch.randn(12, 6, generator=generator), torch.randn(12, 4, generator=generator)


def loss(model, batch):
    return F.mse_loss(model(batch[0]), batch[1])


def way_decayed(model, optimizer, batch):
    """torch 2.13 makes torch.add(a @ b, c, alpha=k) an addmm, and loses k."""
    weight = model.weight.detach()
    errors = batch[0] @ weight.T - batch[1]
    weight.sub_(optimizer.param_groups[0]["lr"] * decayed_gradient(errors, batch[0], weight))
    return errors.square().mean()


@torch.compile(dynamic=False)
def decayed_gradient(errors, inputs, weight):
    return torch.add((errors.T * (2 / errors.numel())) @ inputs, weight, alpha=0.01)
'''

Find = Callable[..., tuple[Diagnosed, Path]]


@pytest.fixture(scope="module")
def find(tmp_path_factory: pytest.TempPathFactory) -> Find:
    """The diagnosis of a recipe on a step, and where its script is."""
    folder = tmp_path_factory.mktemp("diagnosis")

    def found(recipe: str, *, step: str = STEP, seconds: float = 300.0) -> tuple[Diagnosed, Path]:
        file = written(folder, step)
        setting = Setting(
            updates=10, parameters=tuple(dict(file.parameters, hidden=16).items()) if step == STEP else ()
        )
        script = folder / f"{recipe}.py"
        return Diagnosis(file, setting, Recipe.read(recipe), seconds).found(script), script

    return found


def test_the_lines_of_a_rewrite_are_wrong(find: Find) -> None:
    """BatchNorm sees half of the batch: the rewrite's fault, first in that module; a script shows it without looprace."""
    diagnosed, script = find("accumulation")
    assert diagnosed == Diagnosed(whose="rewrite", module="output of 1 (BatchNorm1d)", script="accumulation.py")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (1, "")
    assert "model.1.running_var: two updates change it by " in done.stdout


def test_the_compiler_is_wrong(find: Find) -> None:
    """The captured graph is right and inductor's is not: two operations show it, in a script that has failed once."""
    diagnosed, script = find("way_decayed", step=LINE)
    assert (diagnosed.whose, diagnosed.undiagnosed) == ("compiler", "")
    assert diagnosed.stage.startswith("inductor of torch ")
    assert "post_grad_passes" in diagnosed.stage
    lines = script.read_text(encoding="utf-8")
    assert "looprace" not in lines.partition('"""\n')[2]
    assert "    d = torch.mm(a, b)\n    return torch.add(d, c, alpha=0.01)\n" in lines


def test_the_capture_is_wrong(find: Find) -> None:
    """The lines are right when nothing is captured; their graph is wrong, though nothing has compiled it."""
    assert find("way_frozen")[0] == Diagnosed(whose="capture", script="way_frozen.py")


def test_what_is_not_found_out_says_why(find: Find) -> None:
    """An arm that computes the same here, and a diagnosis that has no time."""
    assert find("zeroed_gradients")[0] == Diagnosed(undiagnosed=NOT_AGAIN)
    assert find("way_frozen", seconds=0.0)[0].undiagnosed == OUT_OF_TIME
