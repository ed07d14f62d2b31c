"""The step files of the gallery run, and their ways compute what their first lines say."""

import re

import pytest
import torch

from impls.contract.setting import Setting
from impls.recipe.live_step import LiveStep
from impls.recipe.recipe import Recipe
from impls.recipe.step_file import StepFile, read
from tests.conftest import ROOT

FILES = {path.stem: read(path) for path in sorted((ROOT / "docs" / "gallery").glob("*.py"))}
WAYS = [(name, way) for name, file in FILES.items() for way in file.ways if "compiled" not in way]  # these take long
WRONG = {("accumulation", "mean_of_means"): "parameter 0.weight", ("checkpointed_batchnorm", "checkpointed"): "buffer"}


def live(file: StepFile, way: str = "") -> LiveStep:
    """The step in float64, after one update by a way."""
    parameters = tuple(sorted(file.parameters.items()))
    setting = Setting(rows=0, features=0, lr=0, updates=1, dtype="float64", parameters=parameters)
    step = LiveStep(file, setting, Recipe(way=way))
    step.advance(1)
    return step


@pytest.mark.parametrize("name", FILES)
def test_a_step_of_the_gallery_says_how_it_is_raced(name: str) -> None:
    """It makes updates; its docstring names where the question was asked, and a command with its own path."""
    file = FILES[name]
    assert live(file).number == 6
    text = file.path.read_text(encoding="utf-8")
    commands = re.findall(r"python -m bench run (\S+)", text)
    assert set(commands) == {f"docs/gallery/{name}.py"}
    assert len(text.splitlines()) <= 65


@pytest.mark.parametrize(("name", "way"), WAYS, ids=[f"{name}-{way}" for name, way in WAYS])
def test_a_way_computes_the_same_but_where_it_shows_a_mistake(name: str, way: str) -> None:
    """In float64 one update ends with the same numbers, to rounding; the two ways that are wrong, differ where they should."""
    plain, other = live(FILES[name]).tensors(), live(FILES[name], way).tensors()
    wrong = {
        key for key in plain if not torch.allclose(plain[key].double(), other[key].double(), rtol=1e-9, atol=1e-12)
    }
    if (name, way) in WRONG:
        assert any(key.startswith(WRONG[name, way]) for key in wrong)
    else:
        assert wrong == set()
