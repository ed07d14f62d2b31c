"""A race of a user's own step: every arm ends as a row, judged, with its reason. Real processes, one race for all claims."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.results.store import Store
from tests.bench.planted_steps import STEP, WAYS
from tests.conftest import Checkout

Rows = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def place(checkout: Callable[[Mapping[str, str]], Checkout]) -> Checkout:
    """A checkout with a step file that has ways of all kinds."""
    made = checkout({}).with_short_laps()
    (made.path / "my_step.py").write_text(STEP + WAYS, encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def raced(place: Checkout) -> tuple[int, Rows, dict[str, Any]]:
    """The exit status, the arms by recipe, and the race, of one race of that step."""
    done = place.bench(
        "run", "my_step.py", "--json", "--effort=quick", "--rounds=1", "--set=hidden=24", "--rewrite=fused",
        "--rewrite=channels_last", "--recipe=fused+zeroed_gradients",
    )  # fmt: skip
    assert done.stdout, done.stderr
    run = json.loads(done.stdout)
    (race,) = run["races"]
    return done.returncode, {arm["implementation"]: arm for arm in race["arms"]}, race | {"folder": run["run"]}


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ("plain", ("identical",)),
        ("way_by_hand", ("identical", "same")),
        ("fused", ("identical", "same", "closer")),
        ("zeroed_gradients+fused", ("identical", "same", "closer")),
        ("way_without_zeroing", ("different",)),
        ("way_twice", ("different",)),
        ("way_in_a_thread", ("different",)),
        ("way_nothing", ("different",)),
        ("way_wrong_after_40", ("different",)),
    ],
)
def test_every_arm_is_judged(raced: tuple[int, Rows, dict[str, Any]], recipe: str, words: tuple[str, ...]) -> None:
    """What computes the same is told so and ranked; what does not is wrong, is never ranked, and keeps its time."""
    arm = raced[1][recipe]
    assert arm["answer"] in words, arm
    assert arm["status"] == ("wrong" if words == ("different",) else "ok")
    assert (arm["rank"] is None) == (words == ("different",))
    assert arm["seconds_per_update"] > 0


def test_every_arm_is_judged_where_it_is_in_the_race(raced: tuple[int, Rows, dict[str, Any]]) -> None:
    """From its start, at a lap, and late; of the arm that goes wrong its reason says after how many updates it was seen."""
    first, *later = raced[1]["fused"]["audits"]
    assert (first, len(later)) == (0, 2)
    assert 0 < later[0] < later[1]
    wrong = raced[1]["way_wrong_after_40"]
    assert f"something else after {wrong['audits'][-1]} updates" in wrong["reason"]


def test_a_different_answer_is_told_whose_fault_it_is(raced: tuple[int, Rows, dict[str, Any]], place: Checkout) -> None:
    """A way that is wrong without any compiler is wrong in its own lines; a script beside the records shows it."""
    arm = raced[1]["way_twice"]
    assert (arm["whose"], arm["stage"]) == ("rewrite", None)
    assert (place.path / raced[2]["folder"] / arm["script"]).read_text("utf-8").startswith('"""Shows that a step')
    assert any(f"{arm['script']} shows it without looprace" in text for text in raced[2]["findings"])


def test_a_way_that_breaks_keeps_its_row(raced: tuple[int, Rows, dict[str, Any]]) -> None:
    """Its reason names the line of the user's file."""
    arm = raced[1]["way_breaks"]
    assert arm["status"] == "failed"
    assert "the planted fault" in arm["reason"]
    assert "my_step.py" in arm["reason"]


def test_a_rewrite_that_does_not_apply_says_why(raced: tuple[int, Rows, dict[str, Any]]) -> None:
    """It is a row with a sentence, and was never started."""
    arm = raced[1]["channels_last"]
    assert arm["status"] == "unsupported"
    assert arm["reason"]


def test_a_wrong_answer_is_said_by_the_exit_status(raced: tuple[int, Rows, dict[str, Any]]) -> None:
    """A race with a wrong answer ends with status 3."""
    assert raced[0] == 3


def test_parameters_are_set_and_shown(raced: tuple[int, Rows, dict[str, Any]]) -> None:
    """--set changes one parameter; the title and the setting name all of them."""
    assert dict(raced[1]["plain"]["setting"]["parameters"]) == {"hidden": 24, "lr": 0.01, "batch": 32}


def test_nothing_is_left_but_the_run(place: Checkout, raced: tuple[int, Rows, dict[str, Any]]) -> None:
    """Answers and caches are removed; what was examined and the lines to paste are kept."""
    (store,) = Store.all(place.path / "results")
    race = store.plan().races[0]
    records, complaints = store.records()
    assert not complaints
    assert not (store.path / "cache").exists()
    assert store.examined(race) is not None
    patches = {record.arm.implementation: record.patch for record in records}
    assert "fused=True" in patches["fused"]
    assert patches["plain"] == ""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("my_step.py", "--set=hiden=3"), "has no parameter 'hiden': it has hidden, lr, batch"),
        (("my_step.py", "--set=hidden=many"), "takes a whole number"),
        (("my_step.py", "--rewrite=fuzed"), "No rewrite is called 'fuzed'"),
        (("my_step.py", "--rows=5"), "A step has no --rows"),
        (("missing.py",), "missing.py cannot be read"),
        (("steps/digit_mlp",), "did you mean steps/digits_mlp?"),
        (("--set=hidden=3",), "--set, --rewrite and --recipe are for a step"),
        (("my_step.py", "linear/line"), "cannot race with"),
    ],
    ids=lambda value: value if isinstance(value, str) else "_".join(value),
)
def test_what_makes_no_sense_is_refused_in_a_sentence(
    place: Checkout, arguments: tuple[str, ...], sentence: str
) -> None:
    """Before anything starts, with exit status 2."""
    done = place.bench("run", *arguments)
    assert (done.returncode, sentence in done.stderr) == (2, True), done.stderr


def test_a_step_that_fails_is_told_with_its_line(place: Checkout) -> None:
    """The examination finds it before any arm is started; the exit status is that of a usage error."""
    broken = STEP.replace("F.cross_entropy(model(batch[0]), batch[1])", "F.cross_entropy(model(batch[1]), batch[1])")
    file = Path(place.path, "broken.py")
    file.write_text(broken, encoding="utf-8")
    line = 1 + broken.splitlines().index("    return F.cross_entropy(model(batch[1]), batch[1])")
    done = place.bench("run", "broken.py", "--rounds=1")
    assert done.returncode == 2, done.stderr
    assert f"broken.py:{line}" in done.stderr
