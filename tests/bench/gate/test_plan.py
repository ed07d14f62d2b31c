"""Which cells a gate has, for sides that are real folders: everything that the change touches is raced or named."""

import shutil
import sys
from pathlib import Path

import pytest

from bench.gate.plan import GateRequest, make_gate_plan
from bench.gate.sides.arms import arms_of, arms_of_side, usual_workloads
from bench.gate.sides.checkout import Prepared, origin
from bench.gate.sides.git import SideError
from bench.processes.worker_process import ROOT
from bench.results.gate import GatePlan, Side
from bench.results.record import Arm
from bench.runner.plan import Choice
from impls.contract import catalogue

EAGER = Choice().at(mode="eager", device="cpu")


@pytest.fixture
def sides(tmp_path: Path) -> Path:
    """A gate's folder: both sides hold this checkout's implementations, the instrument this checkout's measuring code."""
    for side in ("sides/0", "sides/1"):
        shutil.copytree(ROOT / "impls", tmp_path / side / "impls", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "bench", tmp_path / "instrument" / "bench", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def edit(file: Path, old: str, new: str) -> None:
    """Replaces a text; it must be there."""
    text = file.read_text(encoding="utf-8")
    assert old in text, f"{file} has changed: plant something else"
    file.write_text(text.replace(old, new), encoding="utf-8")


def append(file: Path) -> None:
    """Adds a line of code without effect."""
    file.write_text(f"{file.read_text(encoding='utf-8')}\nLIMIT = 1\n", encoding="utf-8")


def planned(sides: Path, choice: Choice = EAGER, base_arms: list[Arm] | None = None, python: str = "") -> GatePlan:
    """The gate of these sides."""
    base = Side(role="base", name="main", copies=("sides/0",), python=python)
    head = Side(role="head", name="the working tree", copies=("sides/1",))
    prepared = Prepared(project=str(sides), base=base, head=head)
    request = GateRequest(choice, command="c", options={}, gate=None, floor=None, budget=1.0)
    return make_gate_plan(request, prepared, arms_of(choice) if base_arms is None else base_arms, sides)


def kinds(plan: GatePlan) -> dict[str, str]:
    """The kind of cell of each implementation, without controls."""
    return {cell.arm.implementation: cell.kind for cell in plan.cells if cell.kind != "control"}


def test_the_same_code_is_not_raced(sides: Path) -> None:
    """Arms with the same code on both sides are identical, and three of them are raced as controls."""
    plan = planned(sides)
    assert set(kinds(plan).values()) == {"identical"}
    assert sum(cell.kind == "control" for cell in plan.cells) == 3


def test_what_a_change_touches_is_raced_though_nobody_asked_for_it(sides: Path) -> None:
    """A thorough arm, one for mini-batches only and one of another family are raced besides, and a note names them."""
    for name in ("linear/unrolled", "linear/loader", "gradient/by_hand"):
        append(sides / "sides/1/impls" / f"{name}.py")
    plan = planned(sides, Choice().at(device="cpu"))
    raced = {cell.arm.implementation: cell.arm for cell in plan.cells if cell.kind == "raced"}
    built_on_it = {"linear/loader_batches", "linear/loader_workers"}
    assert set(raced) == {"linear/unrolled", "linear/loader", *built_on_it, "gradient/by_hand"}
    assert raced["linear/loader"].setting.batch == 256
    assert raced["gradient/by_hand"].workload.startswith("gradient/")
    assert any("raced besides" in note and "linear/unrolled" in note for note in plan.notes)


def test_a_change_of_what_all_arms_stand_on_brings_no_more_arms(sides: Path) -> None:
    """A change of a shared file races the arms that were asked for and no others."""
    append(sides / "sides/1/impls/contract/task.py")
    plan = planned(sides)
    assert set(kinds(plan)) == {arm.implementation for arm in arms_of(EAGER)}
    assert set(kinds(plan).values()) == {"raced"}


def test_an_arm_that_the_head_does_not_offer_any_more_is_missing(sides: Path) -> None:
    """A mode that only the base offers is missing, though its file is there."""
    compiled = [arm for arm in arms_of(Choice().at(device="cpu")) if arm.implementation == "linear/nn_sgd"]
    plan = planned(sides, base_arms=[*arms_of(EAGER), *compiled])
    assert {cell.arm.setting.mode for cell in plan.cells if cell.kind == "missing"} == {"compile"}


def test_a_file_that_is_gone_is_missing_whoever_asked(sides: Path) -> None:
    """A file that only the base has is missing; where patterns were named, if the base has it for them."""
    (sides / "sides/0/impls/linear/gone.py").write_text('"""Not any more."""\n')
    assert kinds(planned(sides))["linear/gone"] == "missing"
    named = Choice(implementation=("linear/m*",)).at(mode="eager", device="cpu")
    assert "linear/gone" not in kinds(planned(sides, named))
    lost = arms_of(named)[0]
    there = Arm(workload=lost.workload, implementation="linear/mine", setting=lost.setting)
    assert kinds(planned(sides, named, base_arms=[*arms_of(named), there]))["linear/mine"] == "missing"


def test_two_environments_are_never_identical(sides: Path) -> None:
    """Two interpreters are never identical, whatever their recorded versions are."""
    assert set(kinds(planned(sides, python="/another/python")).values()) == {"raced"}


def test_the_base_is_asked_in_its_own_words(sides: Path) -> None:
    """The base names its arms in a process of its own, by its own files."""
    edit(sides / "sides/0/impls/linear/in_place.py", '"eager": "thorough"', '"eager": "quick"')
    base = origin(sides, Side(role="base", name="main", copies=("sides/0",), python=sys.executable), 0)
    usual = Choice().at(device="cpu")
    found = arms_of_side(base, usual, usual=True)
    assert "linear/in_place" in {arm.implementation for arm in found}
    assert "linear/in_place" not in {arm.implementation for arm in arms_of(usual)}
    unknown = Choice(implementation=("linear/only_here",))
    assert arms_of_side(base, unknown, usual=False) == []
    (sides / "sides/0/impls/linear/workload.py").write_text("raise ValueError('planted')\n")
    with pytest.raises(SideError, match=r"cannot be listed.*linear/workload.py"):
        arms_of_side(base, EAGER, usual=True)


def test_a_workload_that_cannot_be_loaded_is_no_smaller_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """A workload that cannot be loaded is refused, because the gate would be smaller without it."""
    said = "impls/linear/workload.py cannot be loaded: NameError: x"
    monkeypatch.setattr(catalogue, "complaints", lambda: (said,))
    with pytest.raises(SideError, match=r"cannot be loaded.*--workload"):
        usual_workloads()
