"""Probes count exactly what they say they count, and leave the arm as it was."""

import itertools
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch

from bench.messages.probes import Count, CountCalls, Probe, RecordSession, Repeat, SummariseSessions
from bench.worker import probes
from bench.worker.torch_profiler import MOST_UPDATES
from impls.contract import catalogue
from tests.bench.worker.subjects import changed, subject, summary_of

BY_HAND = 28  # operations that an update of linear/analytic dispatches, counted by reading it and PyTorch


def test_the_operations_of_an_update_are_those_counted_by_hand() -> None:
    """linear/analytic dispatches as many operations as its source says."""
    assert probes.count(subject("linear/analytic"), 1e-5)["operations"] == BY_HAND


@pytest.mark.parametrize("name", ["nn_sgd", "manual", "no_grad", "analytic", "numpy", "index_select"])
def test_the_same_arm_has_the_same_counters(name: str) -> None:
    """Counted twice, every counter is the same, and a whole number an update."""
    batch = 8 if name == "index_select" else "full"
    first, second = (subject(f"linear/{name}", batch=batch) for _ in range(2))
    counters = [probes.count(one, 1e-5) | probes.count_calls(one, 1e-5) for one in (first, second)]
    assert counters[0] == counters[1]
    assert all(value == int(value) for value in counters[0].values())


def test_counters_do_not_depend_on_how_many_updates_are_counted() -> None:
    """A slow arm is counted over fewer updates, with the same result."""
    arm = subject("linear/nn_sgd")
    assert probes.count(arm, 1e-5) == probes.count(arm, 10.0)
    assert probes.count_calls(arm, 1e-5) == probes.count_calls(arm, 10.0)


def test_a_planted_operation_is_one_more() -> None:
    """One operation that calls no other is counted as exactly one, with the memory that it asks for."""
    plain, more = (probes.count(subject("linear/analytic", kind), 1e-5) for kind in (None, changed(torch.neg)))
    assert more["operations"] - plain["operations"] == 1
    assert more["allocations"] - plain["allocations"] == 1
    assert more["allocated_bytes"] - plain["allocated_bytes"] == 64 * 4


def test_a_planted_read_is_counted() -> None:
    """A number that Python takes out of a tensor is one read an update; the arm itself has none."""
    plain, more = (
        probes.count(subject("linear/analytic", kind), 1e-5) for kind in (None, changed(lambda x: float(x[0, 0])))
    )
    assert (plain["host_reads"], more["host_reads"]) == (0, 1)


def test_what_happens_rarely_shows_in_many_updates() -> None:
    """A read every hundredth update is seen in 256 updates, in its share."""
    calls = itertools.count()

    def sometimes(x: Any) -> None:
        if next(calls) % 100 == 99:
            float(x[0, 0])

    reads = probes.count(subject("linear/analytic", changed(sometimes)), 1e-5, 256)["host_reads"]
    assert 1 / 256 <= reads <= 3 / 256


def test_the_peak_is_of_one_update_unless_something_is_kept() -> None:
    """Many updates hold no more memory at a time than a few, unless each keeps four bytes."""
    kept: list[Any] = []
    arm = subject("linear/analytic")
    few, many = (probes.count(arm, 1e-5, many)["peak_bytes"] for many in (0, 256))
    leaking = subject("linear/analytic", changed(lambda x: kept.append(torch.ones(1))))
    leaked, more = (probes.count(leaking, 1e-5, many)["peak_bytes"] for many in (32, 256))
    assert few == many > 0
    assert more - leaked == (256 - 32) * 4


def test_looking_for_a_compiler_loads_none() -> None:
    """Where nothing has been compiled, every count is 0 and the compiler is not loaded."""
    script = (
        "import sys\nfrom bench.worker import probes\nfound = probes.read_compiler()\n"
        "assert not any(found.counters.values()), found\n"
        "assert 'torch._dynamo.utils' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_planted_function_is_one_more_python_call() -> None:
    """A Python function is counted as one call."""
    plain, more = (probes.count_calls(subject("linear/analytic", changed(f)), 1e-5) for f in (len, lambda x: len(x)))
    assert more["python_calls"] - plain["python_calls"] == 1


def test_blocks_are_clocked_with_the_conditions_they_were_made_in() -> None:
    """The conditions are those that the process had, not those that were wanted."""
    clocked = probes.time_blocks(subject("linear/analytic", dtype="float64"))
    assert clocked.seconds > 0
    assert (clocked.conditions["dtype"], clocked.conditions["device"]) == ("float64", "cpu")
    assert (clocked.recompiles, clocked.peak_device_bytes) == (0, None)
    assert clocked.peak_resident_bytes > 10e6


def test_threads_are_counted_by_the_work_they_do() -> None:
    """An arm with a thread of its own that computes has two busy threads, whatever its setting says."""
    original: Any = catalogue.load("linear/analytic")

    class Pooled(original):  # type: ignore[misc]
        """Does half of its work in another thread."""

        def __init__(self, task: Any) -> None:
            super().__init__(task)
            self.pool = ThreadPoolExecutor(1)

        def advance(self, updates: int) -> None:
            other = self.pool.submit(super().advance, updates)
            super().advance(updates)
            other.result()

    plain, pooled = (probes.time_blocks(subject("linear/analytic", kind)) for kind in (None, Pooled))
    assert plain.conditions["busy threads"] == "1"
    assert pooled.conditions["busy threads"] == "2"


def test_an_arm_that_does_nothing_has_an_end() -> None:
    """A block has a largest number of updates; one of an arm that does nothing would never end."""
    original: Any = catalogue.load("linear/analytic")

    class Nothing(original):  # type: ignore[misc]
        """Returns at once."""

        def advance(self, updates: int) -> None:
            return

    arm = subject("", Nothing)
    clocked = probes.time_blocks(arm)
    assert clocked.updates <= MOST_UPDATES
    assert summary_of(arm, max(clocked.seconds, 1e-12)).events == 0


def test_probing_leaves_the_answer_as_it_was() -> None:
    """After every probe, the arm trains as before from a reset."""
    arm = subject("linear/nn_sgd")
    arm.restart()
    before = {name: value.clone() for name, value in arm.arm.weights().items()}
    commands: tuple[Probe, ...] = (
        Count(seconds=1e-5),
        RecordSession(seconds=1e-4),
        SummariseSessions(),
        CountCalls(seconds=1e-5),
        Repeat(updates=1, seconds=0.0),
    )
    for command in commands:
        probes.carried_out(arm, command)
    arm.restart()
    assert all(torch.equal(before[name], value) for name, value in arm.arm.weights().items())
