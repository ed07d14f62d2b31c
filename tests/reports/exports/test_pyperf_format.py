"""The export for pyperf, read by pyperf itself, as a library and as the command that people type."""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bench.results.record import Record
from reports.exports.pyperf_format import export
from reports.run.report import report_of
from tests.reports.records import (
    ANALYTIC,
    BLOCK,
    ENVIRONMENT,
    FLOOR,
    LAPS,
    MANUAL,
    REFERENCE,
    TWIN,
    WRONG,
    arm,
    plan,
    race,
    record,
    rounds,
)

pyperf = pytest.importorskip("pyperf", reason="pyperf is not installed: pip install -e .[consumers]")

CRASHED = arm("linear/c")
PLAN = plan(race(MANUAL, ANALYTIC, FLOOR, CRASHED, arm("linear/numpy")))


def records(speed: float = 2e-4) -> list[Record]:
    """A run with a reference, its twin, a right arm, a wrong one, a floor, one that failed and one that did so later."""
    seen = {REFERENCE: 4e-4, TWIN: 4e-4, MANUAL: speed}
    return [
        *(each for one, seconds in seen.items() for each in rounds(one, seconds)),
        *rounds(ANALYTIC, 1e-5, status="wrong", reason="off", judgement=WRONG),
        *rounds(FLOOR, 1e-6, work="floor", judgement=None),
        *rounds(CRASHED, 1e-5, 2),
        record(CRASHED, 3, None, status="crashed", reason="signal 11"),
        record(arm("linear/numpy"), 1, None, status="failed", reason="broke"),
    ]


def suite(speed: float = 2e-4) -> Any:
    """The run as pyperf loads it."""
    return pyperf.BenchmarkSuite.loads(export(report_of(PLAN, ENVIRONMENT, records(speed))).decode())


def said(folder: Path, *arguments: str) -> str:
    """What `python -m pyperf` prints, in a folder with a run before.json and a faster one after.json."""
    for name, speed in (("before", 2e-4), ("after", 1e-4)):
        (folder / f"{name}.json").write_bytes(export(report_of(PLAN, ENVIRONMENT, records(speed))))
    command = [sys.executable, "-m", "pyperf", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_only_right_arms_are_benchmarks() -> None:
    """One benchmark an arm: not the twin, floors, or arms that any round saw wrong or failing."""
    assert suite().get_benchmark_names() == [REFERENCE.key, MANUAL.key]


def test_a_round_is_a_run_of_theirs() -> None:
    """Each round is a run with the seconds an update of every block; the first update is its warmup."""
    benchmark = suite().get_benchmark(MANUAL.key)
    assert [run.values for run in benchmark.get_runs()] == [
        tuple(each.per_update.values()) for each in rounds(MANUAL, 2e-4)
    ]
    assert {run.warmups for run in benchmark.get_runs()} == {((1, 0.5),)}
    assert (benchmark.get_nrun(), benchmark.get_nvalue()) == (5, 5 * LAPS)
    assert (benchmark.get_loops(), benchmark.get_inner_loops(), benchmark.get_unit()) == (BLOCK, 1, "second")


def test_the_metadata_say_what_ran_where() -> None:
    """Machine, software, commit, the arm's coordinates and each round's date, duration and memory are in the metadata."""
    benchmark = suite().get_benchmark(MANUAL.key)
    found = benchmark.get_metadata()
    assert (found["cpu_model_name"], found["cpu_count"], found["python_version"]) == ("Made-up 9000", 2, "3.11.7")
    assert (found["commit_id"], found["torch_version"], found["platform"]) == ("0123abc", "2.13.0+cpu", "Linux-6.1")
    assert (found["workload"], found["rows"], found["batch"]) == ("linear/line", 100_000, "full")
    first, last = benchmark.get_dates()
    assert str(first) == "2026-11-23 10:00:01"
    assert last > first
    blocks = math.fsum(rounds(MANUAL, 2e-4)[0].blocks)
    assert benchmark.get_runs()[0].get_metadata()["duration"] == pytest.approx(1.0 + 0.25 + 0.5 + 12.5 + blocks)
    assert benchmark.get_runs()[0].get_metadata()["mem_max_rss"] == 300 * 2**20
    assert "hostname" not in found


def test_runs_can_be_added_to_what_pyperf_measures() -> None:
    """Two exports of one machine can be joined, as pyperf joins its own files."""
    one = suite()
    one.add_runs(suite())
    assert one.get_benchmark(MANUAL.key).get_nrun() == 10


def test_pyperf_stats_reads_it(tmp_path: Path) -> None:
    """`python -m pyperf stats` counts runs, values and loops, and knows the dates."""
    text = said(tmp_path, "stats", "before.json")
    for line in (MANUAL.key, "Number of run with values: 5", "Number of warmup per run: 1", f"per value: {BLOCK}"):
        assert line in text
    assert "Start date: 2026-11-23 10:00:01" in text


def test_pyperf_compares_two_runs(tmp_path: Path) -> None:
    """`python -m pyperf compare_to` finds the arm that became twice as fast, and hides the one that did not change."""
    text = said(tmp_path, "compare_to", "before.json", "after.json", "--table")
    assert MANUAL.key in text
    assert "2.00x faster" in text
    assert f"Benchmark hidden because not significant (1): {REFERENCE.key}" in text


@pytest.mark.parametrize("verb", ["hist", "show", "metadata", "dump", "check", "slowest"])
def test_every_verb_of_pyperf_reads_it(tmp_path: Path, verb: str) -> None:
    """Histogram, summary, metadata, dump, check and slowest all read the export."""
    assert MANUAL.key in said(tmp_path, verb, "before.json")


def test_a_lost_environment_leaves_the_times() -> None:
    """A run whose environment is missing, and whose times lack dates, is still a suite."""
    undated = [replace(each, started="") for each in rounds(REFERENCE, 4e-4)]
    loaded = pyperf.BenchmarkSuite.loads(export(report_of(plan(race()), {}, undated)).decode())
    assert loaded.get_benchmarks()[0].get_nrun() == 5
    assert loaded.get_dates() is None


def test_a_run_without_a_time_has_no_benchmarks() -> None:
    """A run that measured nothing is a file that pyperf refuses by name, not a broken one."""
    content = export(report_of(PLAN, {}, []))
    assert json.loads(content)["benchmarks"] == []
    with pytest.raises(ValueError, match="non-empty"):
        pyperf.BenchmarkSuite.loads(content.decode())
