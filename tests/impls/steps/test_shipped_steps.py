"""The shipped steps are short files of a user's own, that learn, and do the same again from the same seed."""

import ast
import importlib.util
import inspect
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from tests.conftest import ROOT
from tests.house.source_tree import PACKAGES, syntax_of

FOLDER = ROOT / "impls" / "steps"
STEPS = sorted(path.stem for path in FOLDER.glob("[a-z]*.py"))
UPDATES = 12


def loaded(name: str) -> ModuleType:
    """The step's file, run in a namespace of its own."""
    if name == "digits_mlp":
        pytest.importorskip("sklearn", reason="digits_mlp reads the data set of scikit-learn")
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def trained(step: Any, dtype: torch.dtype = torch.float32) -> tuple[list[float], list[Tensor]]:
    """The losses of a few updates from seed 0, each on a batch of its own, and the parameters after them."""
    torch.manual_seed(0)
    model = step.model().to(dtype)
    optimizer = step.optimizer(model)
    losses = []
    for number, batch in zip(range(UPDATES), step.batches(0), strict=False):
        cast = tree_map(lambda tensor: tensor.to(dtype) if tensor.is_floating_point() else tensor, batch)
        losses.append(updated(step, model, optimizer, cast, number))
    return losses, [parameter.detach() for parameter in model.parameters()]


def updated(step: Any, model: Any, optimizer: Any, batch: Any, number: int) -> float:
    """The loss of one update: by the step's own function, or by the four lines that stand for it."""
    if hasattr(step, "update"):
        value = step.update(model, optimizer, batch)
        return float(sum(value.values()) if isinstance(value, dict) else value)
    getattr(step, "schedule", lambda *_: None)(optimizer, number)
    optimizer.zero_grad()
    loss = step.loss(model, batch)
    loss.backward()
    getattr(step, "gradients", lambda _: None)(model)
    optimizer.step()
    return float(loss.detach())


@pytest.mark.parametrize("name", STEPS)
def test_a_step_is_deterministic_given_its_seed(name: str) -> None:
    """Two builds from the same seed have the same losses and parameters to the bit, and the parameters have moved."""
    step = loaded(name)
    losses, parameters = trained(step)
    again, parameters_again = trained(step)
    assert losses == again
    assert all(map(torch.equal, parameters, parameters_again))
    assert losses[0] != losses[-1]


@pytest.mark.parametrize("name", STEPS)
def test_a_step_computes_in_float64(name: str) -> None:
    """No step holds float32 numbers of its own: cast to float64 it runs, and begins with the same loss."""
    step = loaded(name)
    (first, *_), _ = trained(step)
    (first_in_float64, *_), parameters = trained(step, torch.float64)
    assert {parameter.dtype for parameter in parameters} == {torch.float64}
    if name not in ("dropout_net", "vae"):  # in float64, torch draws other numbers
        assert first_in_float64 == pytest.approx(first, rel=1e-5)


@pytest.mark.parametrize("name", STEPS)
def test_a_step_is_a_short_file_of_its_own(name: str) -> None:
    """A step has at most 60 lines, imports nothing of looprace, and writes an update only where the default cannot do."""
    source = f"impls/steps/{name}.py"
    syntax = syntax_of(source)
    imported = {alias.name for node in ast.walk(syntax) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(syntax) if isinstance(node, ast.ImportFrom)}
    functions = {node.name for node in syntax.body if isinstance(node, ast.FunctionDef)}
    assert len((ROOT / source).read_text(encoding="utf-8").splitlines()) <= 60
    assert not {module.partition(".")[0] for module in imported} & set(PACKAGES)
    assert functions >= {"model", "optimizer", "batches", "update" if name in ("gan", "sine_lbfgs") else "loss"}
    assert ("update" in functions) == (name in ("gan", "sine_lbfgs"))


def test_an_lstm_goes_on_in_the_text_where_it_stopped() -> None:
    """Window after window of lstm_text is one text, so the hidden state that is carried belongs to it."""
    batches = loaded("lstm_text").batches(0)
    (first, following), (second, _) = next(batches), next(batches)
    assert torch.equal(following[:, -1], second[:, 0])
    assert torch.equal(first[:, 1:], following[:, :-1])


@pytest.mark.parametrize("name", STEPS)
def test_every_parameter_of_a_step_can_be_set(name: str) -> None:
    """All that a step's functions take besides what looprace hands them has a literal default."""
    handed = {
        "model": (),
        "optimizer": ("model",),
        "batches": ("seed",),
        "loss": ("model", "batch"),
        "schedule": ("optimizer", "number"),
        "gradients": ("model",),
        "update": ("model", "optimizer", "batch"),
    }
    step = loaded(name)
    for function, first in handed.items():
        if hasattr(step, function):
            names = tuple(inspect.signature(getattr(step, function)).parameters)
            defaults = getattr(step, function).__defaults__ or ()
            assert names[: len(first)] == first
            assert len(defaults) == len(names) - len(first)
            assert all(isinstance(value, int | float | str | bool) for value in defaults)
