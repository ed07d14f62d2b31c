"""Counters of two sides: equal where nothing changed; each planted fault of structure shows in the right counter."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.gate.counters import MONOTONE_BAD, MOST, _compared, _Counters, _many, count
from bench.processes.worker_process import Origin, allowed_cores
from bench.results.gate import Cell, Counts
from bench.results.profile import COUNTERS
from bench.results.record import Arm
from impls.contract import catalogue
from tests.bench.gate.faults import FAULTS, MANUAL, SGD, Fault, together
from tests.conftest import ROOT

ROWS = 100
Counting = Callable[..., Counts]


@pytest.fixture
def counting(tmp_path_factory: pytest.TempPathFactory, forked_workers: None) -> Counting:
    """Counts an arm on a base and a head, each with the given fault."""

    def side(folder: Path, instrument: Path, fault: Fault | None) -> Origin:
        shutil.copytree(ROOT / "impls", folder / "impls", ignore=shutil.ignore_patterns("__pycache__"))
        if fault:
            fault.plant(folder)
        return Origin(python=sys.executable, folder=folder, path=(instrument, folder))

    def counted(
        implementation: str, head: Fault | None, base: Fault | None = None, *, mode: str = "eager", limit: float = 200
    ) -> Counts:
        place = tmp_path_factory.mktemp("counting")
        (place / "instrument").mkdir()
        (place / "instrument" / "bench").symlink_to(ROOT / "bench")
        made = {"base": base, "again": base, "head": head}
        setting = catalogue.workloads()["linear/line"].setting(rows=ROWS, mode=mode)
        counts = count(
            Cell(arm=Arm(workload="linear/line", implementation=implementation, setting=setting), kind="raced"),
            {name: side(place / name, place / "instrument", fault) for name, fault in made.items()},
            cores=allowed_cores()[-1:],
            everywhere=allowed_cores(),
            cache=place / "cache",
            log=place / "log",
            limit=limit,
        )
        assert {path.name for path in place.iterdir()} == {*made, "instrument", "log"}  # no cache is left
        assert {path.name for path in (place / "log").iterdir()} == {f"{name}.log" for name in made}
        return counts

    return counted


def changed(counts: Counts) -> dict[str, float]:
    """How much more the head has, by counter; a test fails where the head lacks a counter."""
    assert not counts.reason
    both = {name: (one.base, one.head) for name, one in counts.counters.items()}
    return {name: head - base for name, (base, head) in both.items() if base != head and head is not None}  # type: ignore[operator]


def bad(counts: Counts) -> set[str]:
    """The counters that fail by themselves."""
    return {name for name, one in counts.counters.items() if one.bad}


def test_a_comment_changes_no_counter(counting: Counting) -> None:
    """A head that differs in a comment has every counter of its base, steady and with the same value."""
    counts = counting(MANUAL, FAULTS["comment"])
    assert (changed(counts), bad(counts), counts.unsteady, counts.breaks) == ({}, set(), (), ())
    assert {"operations", "host_reads", "allocations", "peak_bytes", "python_calls", "recompiles"} <= set(
        counts.counters
    )
    assert set(counts.counters) <= set(COUNTERS)
    assert counts.counters["operations"].base == 56  # by reading manual and PyTorch
    assert counts.counters["graphs"].head == 0


def test_a_rare_read_is_bad(counting: Counting) -> None:
    """A number that is read every hundredth update is seen in its share, and fails by itself."""
    counts = counting(MANUAL, FAULTS["item_sometimes"])
    assert bad(counts) == {"host_reads"}
    assert 4 / 512 <= changed(counts)["host_reads"] <= 6 / 512


def test_fewer_reads_are_not_bad(counting: Counting) -> None:
    """A head that no longer reads a number shows it, and nothing fails."""
    counts = counting(SGD, None, FAULTS["item"])
    assert changed(counts) == {"host_reads": -1, "operations": -2}
    assert bad(counts) == set()


def test_more_operations_and_memory_are_structure(counting: Counting) -> None:
    """A clone, and gradients cleared by filling, are counted exactly; only the clock decides what they cost."""
    counts = counting(SGD, together(FAULTS["clone"], FAULTS["keeps_grad"]))
    size = ROWS * 4
    # three operations make a clone; two gradients are filled in place, and then added to instead of kept
    assert changed(counts) == {"operations": 5, "allocations": 1, "allocated_bytes": size, "peak_bytes": size}
    assert bad(counts) == set()


def test_a_leak_shows_in_the_peak(counting: Counting) -> None:
    """A detour by float64 and a list that keeps tensors: more memory is asked for, and held at a time."""
    counts = counting(MANUAL, together(FAULTS["upcast"], FAULTS["leak"]))
    assert changed(counts)["peak_bytes"] > 512 * 8 + ROWS * 8
    assert changed(counts)["operations"] > 3
    assert bad(counts) == set()


def test_a_counter_that_the_base_does_not_repeat_is_left_out(counting: Counting) -> None:
    """Bytes asked for at random differ between two countings of the base; all other counters are compared."""
    counts = counting(MANUAL, FAULTS["random"], FAULTS["random"])
    assert "allocated_bytes" in counts.unsteady
    assert set(counts.unsteady) <= {"allocated_bytes", "peak_bytes", "python_calls"}  # chance draws again, now and then
    assert not set(counts.unsteady) & set(counts.counters)
    assert counts.counters["allocations"].base == counts.counters["allocations"].head


def test_a_head_that_ends_is_named(counting: Counting) -> None:
    """After an exception the reason says on which side, what and where; nothing is counted."""
    counts = counting(MANUAL, FAULTS["raises_late"])
    assert counts.reason.startswith("the head could not be counted: ValueError: the planted fault (manual.py:")
    assert "base" not in counts.reason
    assert counts.counters == {}


def test_a_base_that_ends_is_named_once(counting: Counting) -> None:
    """Both countings of the base end alike, which is reported once, beside the end of the head."""
    counts = counting(MANUAL, FAULTS["raises"], FAULTS["raises"])
    words = "could not be counted: RuntimeError: the planted fault (manual.py:17)"
    assert counts.reason == f"the base {words}; the head {words}"


def test_what_the_compiler_does_is_counted(counting: Counting) -> None:
    """A graph break and a recompile every 500 updates are both bad, and the reason of the break is kept."""
    counts = counting(MANUAL, together(FAULTS["graph_break"], FAULTS["recompiles_rarely"]), mode="compile")
    assert {"graph_breaks", "recompiles", "recompiles_in_blocks"} == bad(counts)
    assert counts.counters["graphs"].base == 1
    assert counts.counters["recompiles"].base == 0
    assert counts.counters["cache_hits"].base == 0  # cold
    assert len(counts.breaks) == 1
    assert "graph_break()" in counts.breaks[0]


def test_the_same_break_elsewhere_is_not_new() -> None:
    """A reason that the base has at another line or in another folder is not reported."""
    base = _Counters({"graph_breaks": 1}, ["print at /one/impls/a.py:12"])
    head = _Counters({"graph_breaks": 2}, ["print at /another/impls/a.py:14", "sorted at /another/impls/a.py:14"])
    counts = _compared(base, base, head)
    assert counts.breaks == ("sorted at /another/impls/a.py:14",)
    assert counts.counters["graph_breaks"].bad


@pytest.mark.parametrize("name", COUNTERS)
def test_only_more_of_what_nobody_wants_is_bad(name: str) -> None:
    """More is bad for the monotone counters alone; less or as much never is."""
    several, few, none = _Counters({name: 3}), _Counters({name: 2}), _Counters({})
    assert _compared(few, few, several).counters[name].bad is (name in MONOTONE_BAD)
    assert _compared(none, none, few).counters[name].bad is (name in MONOTONE_BAD)
    assert not _compared(several, several, few).counters[name].bad
    assert not _compared(few, few, few).counters[name].bad
    assert _compared(few, several, several).unsteady == (name,)


def test_slow_arms_are_counted_over_fewer_updates() -> None:
    """The number is a power of two that takes two seconds at most; where none fits, a few are counted."""
    assert [_many(seconds, MOST) for seconds in (1e-9, 3.9e-3, 6e-3, 1 / 16, 0.07, 10)] == [512, 512, 256, 32, 0, 0]


def test_far_more_than_two_countings_of_the_base_is_bad() -> None:
    """Where the base has 0 and then 1 recompilations, 500 of the head are bad and 2 are not."""
    base, again = (_Counters({"recompiles": number}) for number in (0.0, 1.0))
    many = _compared(base, again, _Counters({"recompiles": 500.0}))
    assert (many.counters["recompiles"].bad, many.unsteady) == (True, ())
    few = _compared(base, again, _Counters({"recompiles": 2.0}))
    assert (few.counters, few.unsteady) == ({}, ("recompiles",))
