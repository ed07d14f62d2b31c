"""Planted slowdowns: where the wait is put, that it is as long as it says, and what else is as it was."""

import ast
import filecmp
from pathlib import Path

import pytest

from bench import clock
from bench.gate import plant
from bench.gate.sitting import ARMS
from impls import catalogue

BARE = "import math\n\n\ndef wait(updates):\n    for _ in range(updates):\n        pass\n"


@pytest.mark.parametrize("implementation", ARMS)
def test_a_wait_is_the_first_thing_in_the_loop_of_every_arm(implementation: str) -> None:
    """And the rest of the file is the same code."""
    source = (catalogue.ROOT / f"{implementation}.py").read_text("utf-8")
    before, after = (ast.parse(each) for each in (source, plant.planted(source, 1e-6)))
    loops = [
        [node for node in ast.walk(tree) if isinstance(node, ast.For) and ast.unparse(node.iter) == "range(updates)"]
        for tree in (before, after)
    ]
    (old,), (new,) = loops
    assert [ast.unparse(each) for each in new.body[:2]] == [
        "until = planted_now() + 1e-06",
        "while planted_now() < until:\n    pass",
    ]
    assert [ast.dump(each) for each in new.body[2:]] == [ast.dump(each) for each in old.body]
    assert len(after.body) == len(before.body) + 1
    assert ast.get_docstring(after) == ast.get_docstring(before)


def test_no_slowdown_is_another_text_and_the_same_loop() -> None:
    """So that no gate knows it by comparing files."""
    nothing = plant.planted(BARE, 0.0)
    assert ast.dump(ast.parse(nothing)) != ast.dump(ast.parse(BARE))
    assert ast.unparse(ast.parse(nothing).body[-1]) == ast.unparse(ast.parse(BARE).body[-1])


@pytest.mark.parametrize("source", ["import math\n", BARE + BARE])
def test_where_there_is_no_one_loop_nothing_is_planted(source: str) -> None:
    """The message says what is missing."""
    with pytest.raises(ValueError, match="the one loop `for _ in range"):
        plant.planted(source, 1e-6)


def test_the_wait_is_as_long_as_it_says() -> None:
    """At least: 50 waits of 100 µs take 5 ms or more."""
    space: dict[str, object] = {}
    exec(plant.planted(BARE, 1e-4), space)  # noqa: S102 - as a worker would import it
    wait = space["wait"]
    assert callable(wait)
    begin = clock.now()
    wait(50)
    assert clock.now() - begin >= 50 * 1e-4


def test_only_the_planted_file_differs(tmp_path: Path) -> None:
    """Between the folders of the two sides; and the instrument has no implementations."""
    base, head = plant.side(tmp_path / "base"), plant.plant(tmp_path / "head", "linear/manual", 1e-6)
    plant.plant(tmp_path / "head", "linear/no_grad", 1e-6)  # the next trial's: nothing of the last is left
    sources = sorted(path.relative_to(base) for path in base.rglob("*.py"))
    _, differs, missing = filecmp.cmpfiles(base, head, [str(each) for each in sources], shallow=False)
    assert (differs, missing) == (["impls/linear/no_grad.py"], [])
    assert [path.name for path in plant.instrument(tmp_path / "instrument").iterdir()] == ["bench"]
