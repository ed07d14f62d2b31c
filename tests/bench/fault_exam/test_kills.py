"""Kills of real processes, a few of each kind, and what is counted of them."""

from pathlib import Path

from bench.fault_exam import others, write_steps
from bench.results.scores.faults import Kill, survivals
from bench.results.store import Store
from tests.conftest import ROOT

RUN = ROOT / "tests" / "corpus" / "format-1"


def test_nothing_is_lost_at_any_step_of_writing(tmp_path: Path) -> None:
    """A process is killed before each change to a run's folder and within each file; what can be seen is whole each time."""
    store = Store(RUN)
    seen = list(write_steps.kills(store.plan(), store.records()[0], tmp_path))
    assert len(seen) > 100
    assert {True} == {kill.survived for kill in seen}
    assert {0, 4} == {kill.finished for kill in seen}


def test_what_another_tool_had_announced_is_counted() -> None:
    """A measurement that was not killed has all that it announced; the report of pytest-benchmark is written at its end."""
    announced, readable, left = others._measured(others.TOOLS["pytest-benchmark"], 60.0)
    assert (announced, readable, left) == (others.BENCHMARKS, others.BENCHMARKS, 0)


def test_a_kill_is_survived_when_nothing_is_lost_and_all_goes_on() -> None:
    """Lost results, half-written files, processes left behind and a run that does not go on count against it."""
    fine = Kill(tool="looprace", victim="worker", finished=4, lost=0, went_on=True)
    bad = [
        Kill(tool="looprace", victim="worker", finished=4, lost=1),
        Kill(tool="looprace", victim="worker", finished=0, lost=0, unreadable=1),
        Kill(tool="looprace", victim="worker", finished=0, lost=0, orphans=1),
        Kill(tool="looprace", victim="worker", finished=0, lost=0, went_on=False),
    ]
    (summed,) = survivals([fine, *bad])
    assert (summed.kills, summed.survived, summed.with_results, summed.losing) == (5, 1, 2, 1)
