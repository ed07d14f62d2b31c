"""What PyTorch's profiler says of an arm is of the session that was disturbed least, and belongs where it is said to."""

import gzip
import json
from pathlib import Path

import torch

from bench.worker.torch_profiler import TRACED, Noted, profiled, summarised, traced, undisturbed
from tests.bench.worker.subjects import changed, noted, subject


def test_a_planted_copy_is_found_in_its_part() -> None:
    """A clone of the data is a copy, once an update, and takes about all of the additional bytes."""
    found = noted(subject("linear/analytic", changed(torch.clone), rows=100_000), 1e-3)
    (clone,) = [operation for operation in found["operations"] if operation["name"] == "aten::clone"]
    assert (clone["part"], clone["calls"], clone["entries"]) == ("copy", 1, 1)


def test_an_arm_without_operations_is_all_outside() -> None:
    """NumPy's work is in no operation of PyTorch; the time outside is all there is."""
    found = noted(subject("linear/numpy"), 1e-4)
    assert (found["operations"], found["events"], found["device"]) == ([], 0, None)
    assert 0 < found["outside"] <= found["profiled"]


def test_operations_and_outside_explain_the_profiled_time() -> None:
    """Their sum is the time by the clock, but for entering and leaving the window."""
    found = noted(subject("linear/nn_sgd", rows=10_000), 1e-4)
    whole = sum(operation["seconds"] for operation in found["operations"]) + found["outside"]
    assert 0.8 * found["profiled"] < whole <= found["profiled"]
    assert {"forward", "backward", "optimizer"} <= {operation["part"] for operation in found["operations"]}


def test_the_trace_is_small_and_says_nothing_of_the_machine(tmp_path: Path) -> None:
    """A Chrome trace of a few updates, in its own folder, without the name of the machine or a path."""
    target = tmp_path / "deep" / "trace.json.gz"
    traced(subject("linear/nn_sgd"), 1e-4, str(target))
    document = json.loads(gzip.decompress(target.read_bytes()))
    assert set(document) == {"schemaVersion", "displayTimeUnit", "traceEvents"}
    begun = sum(event.get("name") == "aten::mse_loss" for event in document["traceEvents"])
    assert 2 <= begun <= TRACED
    assert target.stat().st_size < 100_000


def test_a_slow_arm_is_traced_over_two_updates(tmp_path: Path) -> None:
    """However many events there is room for."""
    traced(subject("linear/nn_sgd"), 0.2, str(tmp_path / "trace.json.gz"))
    document = json.loads(gzip.decompress((tmp_path / "trace.json.gz").read_bytes()))
    assert sum(event.get("name") == "aten::mse_loss" for event in document["traceEvents"]) == 2


def test_all_sessions_are_of_as_many_updates() -> None:
    """However long the later ones are said to take; once they are read, the next is the first of others."""
    arm = subject("linear/analytic")
    for seconds in (1e-3, 1e-5, 1e-4):
        profiled(arm, seconds)
    assert [each.updates for each in arm.sessions] == [25] * 3
    seen = {each.each for each in arm.sessions}
    assert summarised(arm)["profiled"] in seen
    profiled(arm, 1.25e-3)
    assert [each.updates for each in arm.sessions] == [20]


def test_the_session_of_the_lower_quartile_counts() -> None:
    """Of seven, the second: five slow ones do not matter, and neither does one that luck made fast."""
    arm = subject("linear/analytic")
    profiled(arm, 1e-3)
    (one,) = arm.sessions
    arm.sessions[:] = [Noted(one.session, one.updates, each) for each in (9.0, 2.0, 9.0, 1.0, 9.0, 9.0, 9.0)]
    assert summarised(arm)["profiled"] == 2.0
    assert undisturbed([3, 1, 2]) == 1
