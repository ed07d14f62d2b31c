"""The table of coordinates: what it says of each, and that every one is in it."""

import dataclasses
from typing import Any

import pytest

from impls.contract.coordinates import BY_NAME, COORDINATES, RACED, slug, spoken, title
from impls.contract.dependencies import arm_modules, dependencies
from impls.contract.setting import Setting
from tests.conftest import ROOT

GOOD: dict[str, Any] = {"rows": 100_000, "features": 2, "updates": 10, "lr": 0.5}


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({}, "cpu eager"),
        ({"device": "cuda", "mode": "compile"}, "cuda compile"),
        ({"watch": "loss"}, "cpu eager loss every 80"),
        ({"watch": "draw", "every": 5}, "cpu eager draw every 5"),
        ({"every": 5}, "cpu eager"),
        ({"rows": 7, "batch": 3, "dtype": "float64", "threads": 2, "seed": 4}, "cpu eager"),
    ],
)
def test_an_arm_is_shown_by_what_is_raced(chosen: dict[str, Any], words: str) -> None:
    """Device, mode and watch are shown; what is equal in a whole race is left out."""
    assert words == spoken(Setting(**GOOD | chosen))


def test_a_race_is_shown_by_what_its_arms_share() -> None:
    """The title and the name of its folder hold sizes, batch, dtype and threads."""
    setting = Setting(**GOOD | {"batch": 256, "threads": 2})
    assert title(setting) == "100 000 x 2 float32, batches of 256, 10 updates, 2 threads"
    assert slug(setting) == "100000x2-batch256-float32-t2"


def test_every_field_of_a_setting_has_its_line() -> None:
    """A coordinate that is not in the table would be in no option, no title and no audit. Parameters are the step's own."""
    assert set(BY_NAME) == {field.name for field in dataclasses.fields(Setting)} - {"parameters"}
    assert set(RACED) < set(BY_NAME)


def test_every_difference_between_two_arms_can_be_described() -> None:
    """Of two settings that differ, some coordinate says so; how often is looked says it only while something watches."""
    assert {"every"} == {coordinate.name for coordinate in COORDINATES if not coordinate.difference}


def test_a_full_batch_is_as_many_rows_as_there_are() -> None:
    """Batches are compared by their rows, whichever way they were typed."""
    assert BY_NAME["batch"].of(Setting(**GOOD)) == BY_NAME["batch"].of(Setting(**GOOD | {"batch": 100_000})) == 100_000


def test_no_arm_depends_on_the_words_of_the_table() -> None:
    """A reworded help text changes no fingerprint, so that no arm is raced again and no run is refused for it."""
    files = dependencies(arm_modules("linear", "linear/manual"), [ROOT], lambda module: module.startswith("impls"))
    names = {file.relative_to(ROOT).as_posix() for file in files}
    assert {"impls/contract/setting.py", "impls/contract/values.py", "impls/linear/manual.py"} <= names
    assert "impls/contract/coordinates.py" not in names


def test_a_step_is_called_by_its_parameters() -> None:
    """Title and file name have every parameter, and the device where it is no CPU."""
    step = Setting(updates=10, parameters=(("hidden", 64), ("kind", "wide")))
    assert title(step) == "hidden 64, kind wide, float32, 1 thread"
    assert slug(step) == "hidden64-kindwide-float32-t1"
    gpu = dataclasses.replace(step, device="cuda")
    assert (title(gpu), slug(gpu)) == (f"{title(step)}, cuda", f"{slug(step)}-cuda")
