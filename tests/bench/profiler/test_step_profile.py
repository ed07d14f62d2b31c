"""The profile of a step: its passes, its operations and its modules. Real processes."""

from pathlib import Path

import pytest

from bench.profiler import passes, profile_run
from bench.profiler.py_spy import REFUSED
from bench.results.store import Store
from bench.runner.plan import Choice, make_plan
from bench.runner.step_plan import NO_REWRITES, StepChoice
from tests.bench.planted_steps import STEP


def test_a_step_is_profiled_with_fewer_rows_and_by_module(
    forked_workers: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its `batch` is what the second pass has less of; its operations are told apart by part and module."""
    for name, value in (("MOST_LAPS", 6), ("SESSIONS", 3), ("SAMPLED_SECONDS", 1.0)):
        monkeypatch.setattr(passes, name, value)
    (tmp_path / "my_step.py").write_text(STEP, encoding="utf-8")
    steps = StepChoice(names=(str(tmp_path / "my_step.py"),), rewrites=NO_REWRITES)
    store = Store.create(tmp_path)
    plan = make_plan(Choice(steps=steps, effort="quick"), command="", run=store.path.name)
    store.write_plan(plan, {})
    list(profile_run.profile(plan, store))
    (race,) = plan.races
    (profile,), complaints = store.profiles(race)
    assert (profile.status, profile.reason, list(complaints)) == ("ok", "", [])
    assert profile.full is not None
    assert {"forward", "backward", "optimizer"} <= {operation.part for operation in profile.full.operations}
    assert profile.tiny is not None
    assert (profile.full.batch, profile.tiny.batch, store.machine(race)[0]) == (32, 2, None)
    assert {("0", "forward"), ("0", "backward"), ("", "optimizer")} <= {(m.module, m.phase) for m in profile.modules}
    assert profile.counters["operations"] > 20
    assert profile.conditions["dtype"] == "float32"
    assert profile.stacks or profile.reasons["py-spy"] == REFUSED
