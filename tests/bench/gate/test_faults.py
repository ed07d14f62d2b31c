"""The planted faults apply to the sources of today, and only those of the answer give wrong answers."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from impls.contract import Implementation, catalogue
from impls.contract.task import Compiler, make_task
from tests.bench.gate.faults import ENDS, FAULTS, WRONG, replaced, together
from tests.conftest import ROOT

UPDATES = 500


def right(kind: Any) -> bool:
    """Whether an implementation's answer on the five points is within the workload's tolerance."""
    workload = catalogue.workloads()["linear/five"]
    setting = workload.setting()
    problem = workload.problem(setting)
    arm = kind(make_task(problem, setting, Compiler("eager")))
    arm.reset()
    arm.advance(UPDATES)
    oracle = workload.oracle(problem, setting)
    answer, tolerance = oracle.weights(UPDATES), oracle.tolerance(UPDATES)
    found = {name: value.double().numpy() for name, value in arm.weights().items()}
    return all(bool(np.all(np.abs(found[name] - answer[name]) <= tolerance[name])) for name in answer)


def planted(name: str, folder: Path) -> type[Implementation]:
    """The implementation with the fault in it."""
    fault = FAULTS[name]
    file = folder / "impls" / f"{fault.implementation}.py"
    file.parent.mkdir(parents=True)
    file.write_bytes((ROOT / "impls" / f"{fault.implementation}.py").read_bytes())
    fault.plant(folder)
    spec = importlib.util.spec_from_file_location("planted", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (found,) = (each for each in vars(module).values() if getattr(each, "__module__", "") == "planted")
    kind: type[Implementation] = found
    return kind


@pytest.mark.parametrize("name", [name for name in FAULTS if name not in ENDS])
def test_only_a_fault_of_the_answer_is_wrong(name: str, tmp_path: Path) -> None:
    """After 500 updates only the two faults of the answer are outside the tolerance."""
    assert right(planted(name, tmp_path)) is (name not in WRONG)


@pytest.mark.parametrize("name", ENDS)
def test_a_fault_that_ends_an_arm_does(name: str, tmp_path: Path) -> None:
    """It raises, and says that it was planted."""
    with pytest.raises((RuntimeError, ValueError), match="the planted fault"):
        right(planted(name, tmp_path))


def test_a_fault_with_nothing_to_change_is_loud() -> None:
    """An edit whose text is missing or there twice raises."""
    for source in ("other", "text text"):
        with pytest.raises(AssertionError, match="nothing to change"):
            replaced(("text", "more"))(source)


def test_faults_are_put_together() -> None:
    """Two faults of one implementation change it both; those of two implementations cannot be one."""
    source = (ROOT / "impls" / "linear" / "nn_sgd.py").read_text(encoding="utf-8")
    both = together(FAULTS["clone"], FAULTS["keeps_grad"]).edit(source)
    assert "clone()" in both
    assert "set_to_none=False" in both
    with pytest.raises(ValueError, match="too many values"):
        together(FAULTS["clone"], FAULTS["upcast"])
