"""Floors make the products of a plain update, or touch the memory that it must touch, and nothing else."""

from collections import Counter
from pathlib import Path

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from impls.floors.floor import floor_of
from impls.floors.memory import bytes_changed, bytes_of
from impls.floors.names import FLOORS, MEMORY, PRODUCTS
from impls.recipe.live_step import NotApplicable
from impls.recipe.recipe import Recipe
from tests.impls.steps_in_tests import live, written

STEP = '''"""Two layers and a convolution; its batches have two shapes."""
import torch
from torch import nn


def model(width=6):
    return nn.Sequential(nn.Conv1d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 14, width), nn.ReLU(), nn.Linear(width, 1))


def optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)


def batches(seed):
    generator = torch.Generator().manual_seed(seed)
    for size in (8, 8, 4):
        yield torch.randn(size, 1, 16, generator=generator)


def loss(model, batch):
    return (model(batch) - 1).square().mean()
'''
ALONE = '''"""A step without a product."""
import torch
from torch import nn


def model():
    return nn.ParameterList([nn.Parameter(torch.ones(5))])


def optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.1)


def batches(seed):
    while True:
        yield torch.ones(5)


def loss(model, batch):
    return (model[0] - 2 * batch).square().sum()
'''


class Operations(TorchDispatchMode):
    """Counts what runs meanwhile."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen: Counter[str] = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        """Counts one operation."""
        self.seen[func._schema.name.removeprefix("aten::")] += 1
        return func(*args, **(kwargs or {}))


def test_products_are_those_of_a_plain_update_and_nothing_else(tmp_path: Path) -> None:
    """Three layers forward; two gradients for each layer but the first convolution, whose pair is one operation."""
    floor = floor_of(PRODUCTS, live(written(tmp_path, STEP)))
    with Operations() as operations:
        floor.advance(1)
    assert operations.seen == {"convolution": 1, "addmm": 2, "mm": 4, "convolution_backward": 1}


def test_products_have_the_shapes_of_the_batch_whose_turn_it_is(tmp_path: Path) -> None:
    """The third batch is half as large, and so are its products."""
    floor = floor_of(PRODUCTS, live(written(tmp_path, STEP)))
    first = [next(call for call in calls if call.func._schema.name == "aten::addmm") for calls in floor._calls]  # type: ignore[attr-defined]
    rows = [call.args[1].shape[0] for call in first]  # type: ignore[attr-defined]
    assert rows == [8, 8, 4]


def test_products_compute_what_the_update_computed_again_and_again(tmp_path: Path) -> None:
    """Nothing grows from call to call: results after a hundred updates are those after one."""
    floor = floor_of(PRODUCTS, live(written(tmp_path, STEP)))
    results = [call.keywords["out"] for call in floor._calls[0] if "out" in call.keywords]  # type: ignore[attr-defined]
    floor.advance(3)
    once = [result.clone() for result in results]
    floor.advance(99)
    assert all(torch.equal(one, many) for one, many in zip(once, results, strict=True))
    assert all(result.isfinite().all() for result in results)


def test_memory_is_what_changes_and_the_batch(tmp_path: Path) -> None:
    """Of plain SGD, its parameters; of the batch, all."""
    step = live(written(tmp_path, ALONE))
    assert bytes_changed(step) == 5 * 4
    assert bytes_of(step.batches[0]) == 5 * 4
    floor = floor_of(MEMORY, step)
    with Operations() as operations:
        floor.advance(2)
    assert operations.seen == {"neg_": 2, "sum": 2}


def test_a_step_without_products_has_no_such_floor(tmp_path: Path) -> None:
    """Its row says so."""
    with pytest.raises(NotApplicable, match="no matrix product and no convolution"):
        floor_of(PRODUCTS, live(written(tmp_path, ALONE)))


@pytest.mark.parametrize("name", FLOORS)
def test_a_floor_has_no_name_of_a_rewrite(name: str) -> None:
    """Nobody can stack it."""
    with pytest.raises(ValueError, match="No rewrite is called"):
        Recipe.read(name)
