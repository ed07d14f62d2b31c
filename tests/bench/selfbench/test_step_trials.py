"""The steps of the gate's exam: what is planted leaves a step that computes the same and waits where it should."""

from pathlib import Path

import pytest

from bench.processes.worker_process import ROOT
from bench.selfbench.step_trials import STEPS, Kind, slowed
from impls.recipe import step_file


@pytest.mark.parametrize("kind", ["unchanged", "whole", "phase"])
@pytest.mark.parametrize("name", STEPS)
def test_what_is_planted_leaves_a_step(name: str, kind: Kind, tmp_path: Path) -> None:
    """The head of every trial can be read, has the functions and the parameters of the step, and other code."""
    path = ROOT / "impls" / "steps" / f"{name}.py"
    (tmp_path / "head.py").write_text(slowed(path.read_text("utf-8"), kind, name), encoding="utf-8")
    base, head = step_file.read(path), step_file.read(tmp_path / "head.py")
    assert head.parameters == base.parameters
    assert head.functions.keys() - {"schedule"} == base.functions.keys() - {"schedule"}
    before, after = (next(iter(step_file.sources(file.path).values())).fingerprint for file in (base, head))
    assert before != after
