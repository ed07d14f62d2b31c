"""Slowdowns put into implementations: the place of the wait, its length, and that nothing else changes."""

import ast
import filecmp
from pathlib import Path
from typing import Any

import pytest

from bench.selfbench import inject_slowdown
from bench.selfbench.gate_session import ARMS
from impls.contract import catalogue

BARE = "import math\n\n\ndef train(updates):\n    for _ in range(updates):\n        work()\n"


@pytest.mark.parametrize("implementation", ARMS)
def test_a_wait_goes_around_the_loop_of_every_arm(implementation: str) -> None:
    """The wait goes around the loop, and the rest of the file is the same code."""
    before = ast.parse((catalogue.ROOT / f"{implementation}.py").read_text("utf-8"))
    after = ast.parse(inject_slowdown.slowed(ast.unparse(before), 0.02))
    added = {ast.dump(each) for each in ast.parse(inject_slowdown.SLOWER.format(share=0.02, less=0.0)).body}
    assert ast.get_docstring(after) == ast.get_docstring(before)
    assert len(after.body) == len(before.body) + len(added)
    after.body = [each for each in after.body if ast.dump(each) not in added]
    again = ast.unparse(after)
    assert again.count("in planted(range(updates)):") == 1
    assert again.replace("planted(range(updates))", "range(updates)") == ast.unparse(before)


def test_no_slowdown_is_another_text_and_the_same_loop() -> None:
    """The text differs, so no gate can tell from the files that nothing changed."""
    nothing = inject_slowdown.slowed(BARE, 0.0)
    assert ast.dump(ast.parse(nothing)) != ast.dump(ast.parse(BARE))
    assert ast.unparse(ast.parse(nothing).body[-1]) == ast.unparse(ast.parse(BARE).body[-1])


@pytest.mark.parametrize("source", ["import math\n", BARE + BARE])
def test_where_there_is_no_one_loop_nothing_is_planted(source: str) -> None:
    """The message says what is missing."""
    with pytest.raises(ValueError, match="the one loop `for _ in range"):
        inject_slowdown.slowed(source, 0.02)


@pytest.mark.parametrize("share", [0.02, 0.5])
@pytest.mark.parametrize("look", [1, 8])
def test_a_wait_is_its_share_of_what_the_update_itself_took(share: float, look: int) -> None:
    """The wait is its share of each update at any speed, and whatever a reading of the clock costs."""
    time = 0

    def now() -> int:
        nonlocal time
        time += look
        return time

    def work() -> None:
        nonlocal time
        time += next(paces)

    space: dict[str, Any] = {}
    exec(inject_slowdown.slowed(BARE, share, cost=look), space)  # noqa: S102 - as a worker would import it
    space |= {"planted_now": now, "work": work}
    paces = iter([1000] * 100 + [3000] * 100)
    space["train"](200)
    assert time == pytest.approx((1 + share) * 400_000, abs=4 * look)


def test_only_the_planted_file_differs(tmp_path: Path) -> None:
    """The sides differ in one file, and the instrument has no implementations."""
    base, head = (
        inject_slowdown.side(tmp_path / "base"),
        inject_slowdown.inject(tmp_path / "head", "linear/manual", 0.02),
    )
    inject_slowdown.inject(tmp_path / "head", "linear/no_grad", 0.02)  # the next trial's: nothing of the last is left
    sources = sorted(path.relative_to(base) for path in base.rglob("*.py"))
    _, differs, missing = filecmp.cmpfiles(base, head, [str(each) for each in sources], shallow=False)
    assert (differs, missing) == (["impls/linear/no_grad.py"], [])
    assert [path.name for path in inject_slowdown.instrument(tmp_path / "instrument").iterdir()] == ["bench"]
