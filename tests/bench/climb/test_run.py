"""A climb with real processes: it finds what is faster, promises no more than it measured, and goes on where it stopped."""

import json
import shutil
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from bench.results.store import Store
from tests.bench.planted_steps import STEP
from tests.conftest import Checkout

SLOW = """

import time


def gradients(model):
    time.sleep(0.004)


def way_without_waiting(model, optimizer, batch):
    optimizer.zero_grad(set_to_none=True)
    value = loss(model, batch)
    value.backward()
    optimizer.step()
    return value.detach()
"""


@pytest.fixture(scope="module")
def place(checkout: Callable[[Mapping[str, str]], Checkout]) -> Checkout:
    """A checkout with a step that waits, and a way to write it that does not."""
    made = checkout({}).with_short_laps()
    (made.path / "my_step.py").write_text(STEP + SLOW, encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def climbed(place: Checkout) -> dict[str, Any]:
    """The document of one climb over that way and two rewrites."""
    done = place.bench(
        "climb", "my_step.py", "--json", "--budget=10s", "--rewrite=foreach", "--rewrite=functional_gradients"
    )
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_the_fastest_recipe_is_found_and_measured_once_more(climbed: dict[str, Any]) -> None:
    """What waits is left behind; the promise is that of the last race, with its interval."""
    climb = climbed["races"][0]["climb"]
    assert "way_without_waiting" in climb["recipe"] or climb["stack"][0]["added"] == ["way_without_waiting"]
    assert climb["ratio"] < 0.7
    assert climb["low"] <= climb["ratio"] <= climb["high"] < 1
    assert climb["left_out"]
    assert climb["ended"] in ("top", "time")
    assert set(climb["singles"]) == {"way_without_waiting", "foreach", "functional_gradients"}
    assert climbed["races"][0]["findings"][0].startswith("way_without_waiting")


def test_a_climb_that_was_stopped_comes_to_the_same_end(climbed: dict[str, Any], place: Checkout) -> None:
    """Without what it decided, and without its last race, it decides the same of the races that it has."""
    store = Store(place.path / climbed["run"])
    race = store.plan().races[0]
    before = store.climb(race)
    assert before is not None
    last = before.stages[-1]
    shutil.rmtree(store.path / last.folder)
    (store.path / "climb" / race.slug / "climb.json").unlink()
    done = place.bench("climb", "--resume", str(store.path), "--json")
    assert done.returncode == 0, done.stderr
    after = store.climb(race)
    assert after is not None
    assert after.stages[: len(before.stages) - 1] == before.stages[:-1]
    assert (after.stages[-1].kind, after.recipe) == (last.kind, before.recipe)
    assert not (store.path / "cache").exists()


def test_what_is_no_step_cannot_be_climbed(place: Checkout) -> None:
    """The error names what to type instead."""
    done = place.bench("climb", "linear/manual")
    assert done.returncode == 2
    assert "A climb needs one step" in done.stderr
