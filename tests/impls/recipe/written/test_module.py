"""A recipe as a file: it stands alone, trains as the step does, and sees when what it captured has changed."""

import copy
import importlib.util
import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR

from impls.recipe import steps
from impls.recipe.live_step import LiveStep
from impls.recipe.recipe import Recipe, rewrites
from impls.recipe.step_file import read
from impls.recipe.written.module import CannotBeWritten, refuse, written
from tests.bench.planted_steps import STEP

LONE = """
import sys
sys.path[:] = [folder for folder in sys.path if folder and "looprace" not in folder]
sys.path.insert(0, {folder!r})
import fast, my_step, torch
torch.manual_seed(0)
model = my_step.model()
optimizer = my_step.optimizer(model)
batch = next(my_step.batches(1))  # always the same: over different ones the loss may rise by chance
update = fast.make_update(model, optimizer, batch)
print(*[float(update(batch)) for _ in range(30)][::29])
print([name for name in sys.modules if name.split(".")[0] in ("bench", "impls", "reports")])
"""


def module_of(path: Path) -> ModuleType:
    """A file as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def text_of(path: Path, recipe: str) -> str:
    """The written module of a recipe on a step file, from the lines that a live step has put in."""
    file = read(path)
    live = LiveStep(file, steps.setting(file, {}), Recipe.read(recipe))
    return written(file, live.recipe, live.patch, dict(file.parameters))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a step file."""
    path = tmp_path_factory.mktemp("written")
    (path / "my_step.py").write_text(STEP, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def step(folder: Path) -> ModuleType:
    """The step file as its author imports it."""
    return module_of(folder / "my_step.py")


@pytest.fixture(scope="module")
def captured(folder: Path) -> ModuleType:
    """The module that runs its whole update as one graph."""
    (folder / "captured.py").write_text(text_of(folder / "my_step.py", "whole_graph"), encoding="utf-8")
    return module_of(folder / "captured.py")


def built(step: ModuleType) -> tuple[Any, Any]:
    """A model with its optimizer, always equal."""
    torch.manual_seed(0)
    model = step.model()
    return model, step.optimizer(model)


def plain(step: ModuleType, model: Any, optimizer: Any) -> Callable[[Any], torch.Tensor]:
    """The update as the step's author would write it."""

    def update(batch: Any) -> torch.Tensor:
        optimizer.zero_grad(set_to_none=True)
        value: torch.Tensor = step.loss(model, batch)
        value.backward()
        optimizer.step()
        return value.detach()

    return update


def batches_of(step: ModuleType) -> Iterator[Any]:
    """The same batches each time."""
    return iter(step.batches(1))


def test_a_written_module_stands_alone(folder: Path) -> None:
    """In a process that cannot see looprace it trains, and imports nothing of it."""
    (folder / "fast.py").write_text(text_of(folder / "my_step.py", "fused"), encoding="utf-8")
    script = LONE.format(folder=str(folder))
    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stderr
    losses, imported = done.stdout.splitlines()
    first, last = map(float, losses.split())
    assert last < first
    assert imported == "[]"
    text = (folder / "fast.py").read_text("utf-8")
    assert "def batches" not in text
    assert "looprace" not in text.partition('"""\n')[2].partition('"""')[2]


def test_it_trains_as_the_step_does_with_a_schedule(step: ModuleType, captured: ModuleType) -> None:
    """Over 1 000 updates with a falling learning rate, batches of another size between: as near as rounding allows."""
    results = []
    for make in (plain, lambda _, model, optimizer: captured.make_update(model, optimizer, next(batches_of(step)))):
        model, optimizer = built(step)
        update = make(step, model, optimizer)
        schedule = CosineAnnealingLR(optimizer, 1000)
        losses = []
        for number, batch in enumerate(itertools.islice(batches_of(step), 1000)):
            part = tuple(leaf[:7] for leaf in batch) if number % 100 == 99 else batch
            losses.append(float(update(part)))
            schedule.step()
        results.append((losses, model, optimizer))
    (plain_losses, model, optimizer), (losses, fast_model, fast_optimizer) = results
    assert losses[:5] == pytest.approx(plain_losses[:5], rel=1e-5)
    assert losses == pytest.approx(plain_losses, rel=0.02, abs=0.02)
    assert fast_model.state_dict().keys() == model.state_dict().keys()
    assert fast_optimizer.state_dict()["state"][0].keys() == optimizer.state_dict()["state"][0].keys()
    assert len(captured.graphs) == 1


def test_what_has_changed_is_captured_again(step: ModuleType, captured: ModuleType) -> None:
    """A restored checkpoint, another weight decay, evaluation mode, replaced numbers: the next update is the plain one's."""
    model, optimizer = built(step)
    update = captured.make_update(model, optimizer, next(batches_of(step)))
    batches = list(itertools.islice(batches_of(step), 8))
    for batch in batches:
        update(batch)
    saved = copy.deepcopy((model.state_dict(), optimizer.state_dict()))

    def restored() -> None:
        model.load_state_dict(saved[0])
        optimizer.load_state_dict(copy.deepcopy(saved[1]))

    def decayed() -> None:
        optimizer.param_groups[0]["weight_decay"] = 0.3

    def evaluated() -> None:
        model.eval()

    def replaced() -> None:
        model[0].weight.data = model[0].weight.data * 2

    for change in (restored, decayed, evaluated, replaced):
        change()
        twin = copy.deepcopy(model)
        its_optimizer = step.optimizer(twin)
        its_optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        expected = plain(step, twin, its_optimizer)
        for batch in batches[:2]:
            assert float(update(batch)) == pytest.approx(float(expected(batch)), rel=1e-5), change.__name__
        others = dict(twin.named_parameters())
        for name, own in model.named_parameters():
            if name != "0.bias":  # before BatchNorm: its true gradient is 0, and Adam makes rounding large
                torch.testing.assert_close(own, others[name], rtol=1e-4, atol=1e-6)


def test_what_changes_again_and_again_is_refused(
    step: ModuleType, captured: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a third update in a row would be captured anew; the error names what changes, and what to do."""

    def captured_at_once(*made: Any) -> torch.Tensor:
        captured.graphs[made[-1]] = (lambda *_: torch.zeros(()), [])
        return torch.zeros(())

    monkeypatch.setattr(captured, "trace_whenever_asked", captured_at_once)
    model, optimizer = built(step)
    batch = next(batches_of(step))
    update = captured.make_update(model, optimizer, batch)
    for eps in (1e-8, 1e-7, 1e-6):
        optimizer.param_groups[0]["eps"] = eps
        update(batch)
    optimizer.param_groups[0]["eps"] = 1e-5
    with pytest.raises(RuntimeError, match="now `eps` of the optimizer's parameter group 0: leave it unchanged"):
        update(batch)


def test_a_recipe_for_a_gpu_has_no_file_yet() -> None:
    """It is refused with a cure."""
    name = next(name for name, rewrite in rewrites().items() if rewrite.group == "cuda")
    with pytest.raises(CannotBeWritten, match="paste its patch instead"):
        refuse(Recipe((name,)))
