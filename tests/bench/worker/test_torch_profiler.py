"""What PyTorch's profiler sees of an arm: the right session, and each operation in its part."""

import gzip
import json
from pathlib import Path
from typing import Any

import torch

from bench.worker.torch_profiler import TRACED, ProfilerSession, record_session, summarise, trace, undisturbed
from impls.contract import catalogue
from tests.bench.worker.subjects import changed, subject, summary_of


def test_a_planted_copy_is_found_in_its_part() -> None:
    """A clone of the data is a copy, called once an update."""
    summary = summary_of(subject("linear/analytic", changed(torch.clone), rows=100_000), 1e-3)
    (clone,) = [operation for operation in summary.operations if operation.name == "aten::clone"]
    assert (clone.part, clone.calls, clone.entries) == ("copy", 1, 1)


def test_rows_of_the_data_are_fetched_and_rows_of_a_table_are_not() -> None:
    """Taking rows of the data is fetching; an embedding that takes rows of its table, by the same operation, is not."""
    table, words = torch.rand(10, 3), torch.tensor([1, 2])
    arm = subject("linear/index_select", _embedding(table, words), batch=8)
    parts = {(operation.name, operation.part) for operation in summary_of(arm, 1e-4).operations}
    names = {name: {part for other, part in parts if other == name} for name, _ in parts}
    assert names["aten::index_select"] == {"data", "forward"}
    assert names["aten::embedding"] == {"forward"}


def _embedding(table: torch.Tensor, words: torch.Tensor) -> Any:
    """linear/index_select that also looks words up in a table, once an update."""
    original: Any = catalogue.load("linear/index_select")

    class Embedding(original):  # type: ignore[misc]
        """Its result is not used."""

        def _update(self, weight: Any, bias: Any, x: Any, y: Any) -> Any:
            torch.nn.functional.embedding(words, table)
            return super()._update(weight, bias, x, y)

    return Embedding


def test_an_arm_without_operations_is_all_outside() -> None:
    """The work of NumPy is in no operation of PyTorch; all of its time is outside."""
    summary = summary_of(subject("linear/numpy"), 1e-4)
    assert (summary.operations, summary.events, summary.device) == ((), 0, None)
    assert 0 < summary.outside <= summary.profiled


def test_operations_and_outside_explain_the_profiled_time() -> None:
    """Together they are the time by the clock, except for entering and leaving the window."""
    summary = summary_of(subject("linear/nn_sgd", rows=10_000), 1e-4)
    explained = sum(operation.seconds for operation in summary.operations) + summary.outside
    assert 0.8 * summary.profiled < explained <= summary.profiled
    assert {"forward", "backward", "optimizer"} <= {operation.part for operation in summary.operations}


def test_the_trace_is_small_and_says_nothing_of_the_machine(tmp_path: Path) -> None:
    """A Chrome trace of a few updates, without the name of the machine or a path."""
    target = tmp_path / "deep" / "trace.json.gz"
    trace(subject("linear/nn_sgd"), 1e-4, str(target))
    document = json.loads(gzip.decompress(target.read_bytes()))
    assert set(document) == {"schemaVersion", "displayTimeUnit", "traceEvents"}
    begun = sum(event.get("name") == "aten::mse_loss" for event in document["traceEvents"])
    assert 2 <= begun <= TRACED
    assert target.stat().st_size < 100_000


def test_a_slow_arm_is_traced_over_two_updates(tmp_path: Path) -> None:
    """However many events there is room for."""
    trace(subject("linear/nn_sgd"), 0.2, str(tmp_path / "trace.json.gz"))
    document = json.loads(gzip.decompress((tmp_path / "trace.json.gz").read_bytes()))
    assert sum(event.get("name") == "aten::mse_loss" for event in document["traceEvents"]) == 2


def test_all_sessions_are_of_as_many_updates() -> None:
    """The first session decides, until the sessions are read."""
    arm = subject("linear/analytic")
    for seconds in (1e-3, 1e-5, 1e-4):
        record_session(arm, seconds)
    assert [session.updates for session in arm.sessions] == [25] * 3
    times = {session.seconds for session in arm.sessions}
    assert summarise(arm).profiled in times
    record_session(arm, 1.25e-3)
    assert [session.updates for session in arm.sessions] == [20]


def test_the_session_of_the_lower_quartile_counts() -> None:
    """Of seven, the second: neither five slow ones nor one lucky one matter."""
    arm = subject("linear/analytic")
    record_session(arm, 1e-3)
    (one,) = arm.sessions
    times = (9.0, 2.0, 9.0, 1.0, 9.0, 9.0, 9.0)
    arm.sessions[:] = [ProfilerSession(one.session, one.updates, seconds) for seconds in times]
    assert summarise(arm).profiled == 2.0
    assert undisturbed([3, 1, 2]) == 1
