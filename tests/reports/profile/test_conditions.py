"""What differs between two arms besides their code has a sentence; what is equal has none."""

from typing import Any

import pytest

from bench.results.profile import Operation, Pass, Profile
from bench.results.record import Arm
from impls.contract.catalogue import workloads
from reports.profile.conditions import differences


def arm(implementation: str = "linear/manual", **chosen: Any) -> Arm:
    """An arm of linear/line."""
    workload = workloads()["linear/line"]
    return Arm(workload=workload.name, implementation=implementation, setting=workload.setting(**chosen))


def profile(of: Arm, part: str = "forward", **conditions: str) -> Profile:
    """A profile with one operation, and these conditions of its process."""
    seen = Operation(name="aten::mm", part=part, calls=1, seconds=1e-6)
    full = Pass(rows=1, batch=1, seconds=1e-6, profiled=2e-6, outside=1e-6, operations=(seen,))
    return Profile(run="r", arm=of, status="ok", full=full, conditions={"dtype": "float32", **conditions})


REFERENCE = arm("linear/nn_sgd")


def test_arms_that_differ_in_code_only_have_no_differences() -> None:
    """Equal settings and equal conditions give no sentence."""
    assert differences(arm(), REFERENCE) == []
    assert differences(arm(), REFERENCE, profile(arm()), profile(REFERENCE)) == []


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"device": "cuda"}, "computes on cuda; linear/nn_sgd cpu eager computes on cpu."),
        ({"dtype": "float64"}, "computes in float64; linear/nn_sgd cpu eager computes in float32."),
        ({"threads": 2}, "may use this many threads: 2;"),
        ({"updates": 7}, "makes 7 updates; linear/nn_sgd cpu eager makes 10000 updates."),
        ({"seed": 3}, "batch order drawn from the seed 3;"),
        (
            {"batch": 256},
            "reads this many rows in an update: 256; linear/nn_sgd cpu eager reads this many rows in an update: 100000.",
        ),
        ({"mode": "compile"}, "is run in the mode compile;"),
    ],
)
def test_a_setting_that_differs_is_said(chosen: dict[str, Any], said: str) -> None:
    """A differing setting has one sentence that names both arms and both values."""
    (sentence,) = differences(arm(**chosen), REFERENCE)
    assert said in sentence
    assert sentence.startswith("linear/manual")


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        ({"dtype": "float64"}, "left weights in float64"),
        ({"float32 matmul precision": "high"}, "TF32"),
        (
            {"busy threads": "2"},
            "kept this many threads busy: 2; linear/nn_sgd cpu eager kept this many threads busy: 1.",
        ),
        ({"data": "abc"}, "digest abc"),
    ],
)
def test_what_was_found_to_differ_is_said(conditions: dict[str, str], said: str) -> None:
    """A differing condition has one sentence: a process may do something else than its setting says."""
    common = {"float32 matmul precision": "highest", "busy threads": "1", "data": "def"}
    mine, others = profile(arm(), **common | conditions), profile(REFERENCE, **common)
    (sentence,) = differences(arm(), REFERENCE, mine, others)
    assert said in sentence


def test_what_was_asked_to_differ_is_said_once() -> None:
    """A condition that follows from a differing setting is not said again."""
    double = arm(dtype="float64")
    (sentence,) = differences(double, REFERENCE, profile(double, dtype="float64"), profile(REFERENCE))
    assert "computes in float64" in sentence


def test_a_gradient_without_autograd_is_said() -> None:
    """Whether the gradient comes from autograd is a difference."""
    (sentence,) = differences(arm(), REFERENCE, profile(arm()), profile(REFERENCE, part="backward"))
    assert "linear/manual cpu eager works its gradient out without autograd" in sentence
    assert "linear/nn_sgd cpu eager has its gradient from autograd" in sentence


def test_what_only_one_profile_knows_is_no_difference() -> None:
    """An arm that could not be profiled is not said to differ."""
    empty = Profile(run="r", arm=REFERENCE, status="crashed", reason="killed")
    assert differences(arm(), REFERENCE, profile(arm(), part="backward"), empty) == []
    assert differences(arm(), REFERENCE, profile(arm()), None) == []
