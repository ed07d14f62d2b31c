"""Which cells a gate on a step has, for sides that are real folders."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from bench.gate.rule.margins import Rules
from bench.gate.sides import step_files
from bench.gate.sides.git import SideError
from bench.gate.step_cells import notes, step_cells
from bench.results.gate import Cell, Margins, Side
from bench.runner.plan import Choice
from bench.runner.step_plan import StepChoice
from impls.recipe import step_file
from tests.bench.gate.steps import FILES, NETS, SLOW, STEP

NAME, PATH = "my_step.py", "train/my_step.py"


def cells(target: Path, head: Mapping[str, str], choice: StepChoice | None = None) -> list[Cell]:
    """The cells of a gate whose head has these files instead of the base's."""
    both = {"sides/0": FILES, "sides/1": {**FILES, **head}}
    for copy, files in both.items():
        for name, text in files.items():
            (target / copy / name).parent.mkdir(parents=True, exist_ok=True)
            (target / copy / name).write_text(text, encoding="utf-8")
        step_files.check(target / copy, {NAME: PATH}, "the side")
    base = Side(role="base", name="main", copies=("sides/0",), steps={NAME: PATH})
    now = Side(role="head", name="the working tree", copies=("sides/1",), steps={NAME: PATH})
    choice = choice or StepChoice(names=(NAME,))
    return step_cells(Choice(steps=choice), base, now, target, Rules(Margins()), race_equal=False)


def kinds(found: list[Cell]) -> dict[str, str]:
    """The kind of the cell of each recipe."""
    return {cell.arm.implementation: cell.kind for cell in found}


def test_a_docstring_in_an_imported_module_is_no_change(tmp_path: Path) -> None:
    """Only what runs counts: the step is not raced for another docstring of what it imports."""
    head = {"src/mylib/nets.py": NETS.replace("Two layers.", "Two layers of numbers.")}
    assert kinds(cells(tmp_path, head)) == {"plain": "identical"}


def test_a_change_of_an_imported_module_is_raced_and_named(tmp_path: Path) -> None:
    """What the step imports from its own repository is followed, on plain and on the recipe that was named."""
    found = cells(tmp_path, {"src/mylib/nets.py": SLOW}, StepChoice(names=(NAME,), recipes=("fused",)))
    assert kinds(found) == {"plain": "raced", "fused": "raced"}
    assert {cell.differs for cell in found} == {("src/mylib/nets.py",)}


def test_each_side_has_its_own_defaults_and_ways(tmp_path: Path) -> None:
    """A parameter that nobody set has the side's own default, which a note says; a way of one side alone is not compared."""
    way = "\n\ndef way_other(model, optimizer, batch):\n    return loss(model, batch)\n"
    head = {PATH: STEP.replace("hidden=16", "hidden=32") + way}
    found = cells(tmp_path, head)
    assert kinds(found) == {"plain": "raced", "way_other": "new"}
    (plain,) = (cell for cell in found if cell.kind == "raced")
    assert [plain.arm_on(role).setting.named["hidden"] for role in ("base", "head")] == [16, 32]
    assert list(notes(found)) == ["my_step.py has hidden=32 on the head and hidden=16 on the base"]
    pinned = cells(tmp_path, head, StepChoice(names=(NAME,), parameters={"hidden": "8"}))
    assert [cell.base_arm for cell in pinned if cell.kind == "raced"] == [None]


def test_a_step_that_is_missing_or_broken_on_a_side_is_told(tmp_path: Path) -> None:
    """The sentence names the side, the file and what to do."""
    with pytest.raises(SideError, match=r"the base, main, has no train/my_step.py: choose a revision that has it"):
        step_files.check(tmp_path, {NAME: PATH}, "the base, main,")
    (tmp_path / "train").mkdir()
    (tmp_path / PATH).write_text("def model(:\n")
    with pytest.raises(SideError, match=r"the base, main, has a step that cannot be raced: my_step.py:1 is not Python"):
        step_files.check(tmp_path, {NAME: PATH}, "the base, main,")


def test_a_step_in_no_repository_is_told_how_to_get_into_one(tmp_path: Path) -> None:
    """A gate compares revisions, so the file must lie in a git repository."""
    (tmp_path / NAME).write_text(STEP, encoding="utf-8")
    with pytest.raises(SideError, match=r"my_step.py lies in no git repository.*git init"):
        step_files.locate([step_file.read(tmp_path / NAME, NAME)])
