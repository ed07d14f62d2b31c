"""Floors, algorithmic arms and arms outside their domain in one real race, and a sweep; what their rows say."""

import csv
import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.bench.planted import RIGHT
from tests.conftest import ROOT, Checkout

Make = Callable[[Mapping[str, str]], Checkout]
NEEDY = RIGHT.replace("from impls.contract import", "from impls.contract import UnavailableError,").replace(
    "self.task = task", 'raise UnavailableError("needs a compiler: install one")', 1
)


@pytest.fixture(scope="module")
def floored(checkout: Make) -> Checkout:
    """A checkout with the read floor put back, an arm that finds something missing, and one that is not what it says."""
    floor = (ROOT / "impls" / "linear" / "floor_read.py").read_text(encoding="utf-8")
    moments = (ROOT / "impls" / "linear" / "moments.py").read_text(encoding="utf-8")
    misnamed = moments.replace('    work = "algorithmic"\n', "")
    planted = {"linear/floor_read.py": floor, "linear/needy.py": NEEDY, "linear/misnamed.py": misnamed}
    return checkout(planted).with_short_laps()


@pytest.fixture(scope="module")
def arms(floored: Checkout) -> dict[str, dict[str, Any]]:
    """The arms of one race by implementation."""
    names = ("c", "moments", "closed_form", "views", "needy", "misnamed")
    status, found = floored.arms("--rounds=2", "--updates=50", *(f"--implementation=linear/{name}" for name in names))
    assert status == 0
    return {arm["implementation"].removeprefix("linear/"): arm for arm in found.values()}


def test_a_floor_is_timed_but_not_judged(arms: dict[str, dict[str, Any]]) -> None:
    """The floor joins a race in which nobody named it; it has a time, and neither rank, nor loss, nor verdict."""
    floor = arms["floor_read"]
    assert ("floor", "ok", "floor") == (floor["class"], floor["status"], floor["verdict"])
    assert floor["seconds_per_update"] > 0
    assert {None} == {floor[name] for name in ("rank", "loss", "distance", "job_seconds", "floor_ratio")}


def test_a_faithful_arm_is_a_multiple_of_the_floor(arms: dict[str, dict[str, Any]]) -> None:
    """Faithful arms say how many times the floor they take, with an interval; algorithmic ones do not read the data."""
    assert arms["c"]["floor_low"] < arms["c"]["floor_ratio"] < arms["c"]["floor_high"]
    assert arms["nn_sgd"]["floor_ratio"] > arms["c"]["floor_ratio"]
    assert arms["moments"]["floor_ratio"] is None


def test_algorithmic_arms_are_right_and_ranked_apart(arms: dict[str, dict[str, Any]]) -> None:
    """They are judged as all others, and ranked among themselves."""
    assert {"algorithmic"} == {arms[name]["class"] for name in ("moments", "closed_form")}
    assert {"ok"} == {arms[name]["status"] for name in ("moments", "closed_form")}
    assert arms["c"]["rank"] == 1
    assert 1 in {arms[name]["rank"] for name in ("moments", "closed_form", "misnamed")}


def test_what_is_faster_than_reading_is_not_faithful(arms: dict[str, dict[str, Any]]) -> None:
    """An algorithmic arm that calls itself faithful is ranked with those of its kind: it cannot have read the data."""
    assert ("algorithmic", "ok") == (arms["misnamed"]["class"], arms["misnamed"]["status"])
    assert arms["misnamed"]["floor_high"] < 0.5


def test_an_arm_outside_its_domain_says_so(arms: dict[str, dict[str, Any]]) -> None:
    """An arm that was named keeps its row where it cannot race, with the reason in a sentence."""
    assert ("unsupported", "takes mini-batches and single samples only") == (
        arms["views"]["status"],
        arms["views"]["reason"],
    )


def test_what_is_missing_at_build_is_unavailable(arms: dict[str, dict[str, Any]]) -> None:
    """An arm that misses something while it is built is unavailable, not failed, and says how to get it."""
    assert ("unavailable", "needs a compiler: install one") == (arms["needy"]["status"], arms["needy"]["reason"])


def test_a_sweep_leaves_growth(floored: Checkout) -> None:
    """A sweep races every size, and leaves a fit for each arm, a table of all sizes and a picture."""
    chosen = ("--implementation=linear/numpy", "--implementation=linear/c")
    short = ("--effort=quick", "--rounds=2", "--updates=100", "--reference=linear/manual")
    done = floored.bench("run", "--sweep=rows=10:100000:3", *short, "--json", *chosen)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    growth = document["growth"]
    assert growth["swept"] == "rows"
    assert 3 == len(document["races"])
    folder = floored.path / document["run"]
    assert (folder / "figures" / "growth.svg").stat().st_size > 1000
    table = list(csv.DictReader(io.StringIO((folder / "figures" / "growth.csv").read_text(encoding="utf-8"))))
    sizes = {int(float(line["size"])) for line in table if line["implementation"] == "linear/c"}
    assert sizes == {10, 1000, 100_000}


def test_a_sweep_and_a_fixed_size_are_refused(floored: Checkout) -> None:
    """What cannot be both is refused in one sentence, before anything runs."""
    done = floored.bench("run", "--sweep=rows=10:1000", "--rows=5")
    assert (2, "looprace: rows cannot be both swept and fixed: leave out --rows.") == (
        done.returncode,
        done.stderr.strip(),
    )


@pytest.mark.parametrize("option", ["--mode=fast", "--device=tpu"])
def test_check_refuses_an_unknown_mode_or_device(floored: Checkout, option: str) -> None:
    """A mistyped mode or device is refused; it does not mean that nothing is tried."""
    done = floored.bench("check", "linear/manual", option)
    assert done.returncode == 2
    name = option.partition("=")[0].removeprefix("--")
    assert f"looprace: {name} must be one of " in done.stderr
