"""The export for pytest-benchmark, read by pytest-benchmark itself: no reading of its source proves that it can."""

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from bench.results.record import Record
from reports.exports.pytest_benchmark import export
from reports.run.report import report_of
from tests.reports.records import (
    ANALYTIC,
    ENVIRONMENT,
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

BATCHED = arm("linear/manual", batch=256, dtype="float64")
PLAN = plan(race(MANUAL, ANALYTIC), race(BATCHED, reference=replace(BATCHED, role="reference"), twin=None))


def records() -> list[Record]:
    """A run with a reference, its twin, a right arm, a wrong one, one that failed, and a second race."""
    seen = {REFERENCE: 4e-4, TWIN: 4e-4, MANUAL: 5e-4}
    return [
        *(each for one, seconds in seen.items() for each in rounds(one, seconds)),
        *rounds(ANALYTIC, 1e-5, status="wrong", reason="off", judgement=WRONG),
        *rounds(BATCHED, 2e-5),
        record(arm("linear/numpy"), 1, None, status="failed", reason="broke"),
    ]


def exported() -> Any:
    """The export of that run."""
    return json.loads(export(report_of(PLAN, ENVIRONMENT, records())), parse_constant=pytest.fail)


def compare_by(command: list[str], folder: Path) -> str:
    """What pytest-benchmark's own comparison prints of the export."""
    file = folder / "benchmark.json"
    file.write_bytes(export(report_of(PLAN, ENVIRONMENT, records())))
    done = subprocess.run([*command, "compare", str(file)], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_pytest_benchmark_reads_the_export(tmp_path: Path) -> None:
    """`python -m pytest_benchmark compare` shows every arm with a right time, group by group."""
    said = compare_by([sys.executable, "-m", "pytest_benchmark"], tmp_path)
    assert "linear/line linear/nn_sgd cpu eager" in said
    assert "linear/line linear/manual cpu eager]" in said
    assert "linear/line linear/manual cpu eager batch 256 dtype float64]" in said
    assert "3 tests" in said


def test_the_console_script_reads_the_export(tmp_path: Path) -> None:
    """The command that people type, `pytest-benchmark compare`, reads it too."""
    script = Path(sys.executable).with_name("pytest-benchmark")
    if not script.exists():
        pytest.skip("the pytest-benchmark command is not installed beside this interpreter")
    assert "linear/line linear/nn_sgd cpu eager" in compare_by([str(script)], tmp_path)


def test_only_right_arms_are_exported_and_no_twin() -> None:
    """One benchmark an arm: wrong and failed arms have no time to compare, and the twin is the reference."""
    found = [each["param"] for each in exported()["benchmarks"]]
    assert found == [
        "linear/line linear/nn_sgd cpu eager",
        "linear/line linear/manual cpu eager",
        "linear/line linear/manual cpu eager batch 256 dtype float64",
    ]
    names = [each["fullname"] for each in exported()["benchmarks"]]
    assert names == [f"bench/test_arms.py::test_arm[{param}]" for param in found]


def test_a_round_is_a_datum() -> None:
    """Each round gives one datum, its median over laps in seconds an update, and the statistics are those of the data."""
    benchmark = next(each for each in exported()["benchmarks"] if "manual" in each["name"])
    stats, data = benchmark["stats"], benchmark["stats"]["data"]
    assert data == [float(np.median(list(each.per_update.values()))) for each in rounds(MANUAL, 5e-4)]
    assert (stats["min"], stats["max"], stats["rounds"]) == (min(data), max(data), 5)
    assert stats["mean"] == pytest.approx(statistics.fmean(data), rel=1e-12)
    assert stats["median"] == pytest.approx(statistics.median(data), rel=1e-12)
    assert stats["stddev"] == pytest.approx(statistics.stdev(data), rel=1e-9)
    assert stats["ops"] == pytest.approx(1 / statistics.fmean(data), rel=1e-12)
    assert stats["total"] == pytest.approx(sum(data), rel=1e-12)


def test_a_single_round_has_no_spread() -> None:
    """One round is exported with a standard deviation of zero, as pytest-benchmark does."""
    document = json.loads(export(report_of(plan(race()), ENVIRONMENT, rounds(REFERENCE, 4e-4, 1))))
    assert (document["benchmarks"][0]["stats"]["stddev"], document["benchmarks"][0]["stats"]["rounds"]) == (0.0, 1)


def test_extra_info_holds_what_theirs_cannot() -> None:
    """Setting, loss, distance, weights and the job's seconds travel as extra information."""
    extra = exported()["benchmarks"][1]["extra_info"]
    assert (extra["loss"], extra["distance"], extra["job_seconds"]) == (0.1234567, 2e-6, 12.5)
    assert extra["weights"] == {"weight": [0.9995], "bias": 0.5632}
    assert (extra["setting"]["rows"], extra["setting"]["batch"]) == (100_000, "full")


def test_the_machine_is_named_without_its_owner() -> None:
    """Processor, Python and commit are exported; the machine's network name is not."""
    document = exported()
    assert document["machine_info"]["cpu"]["brand_raw"] == "Made-up 9000"
    assert (document["machine_info"]["python_version"], document["machine_info"]["node"]) == ("3.11.7", "")
    assert (document["commit_info"]["id"], document["commit_info"]["dirty"]) == ("0123abc", False)
    assert document["datetime"] == "2026-11-23T10:00:01+00:00"


def test_a_run_without_records_is_exported_empty() -> None:
    """A run without a single time gives a document without benchmarks, even when its environment was lost."""
    assert json.loads(export(report_of(PLAN, {}, [])))["benchmarks"] == []


def test_a_workload_that_is_gone_can_still_be_exported() -> None:
    """Records of a workload that this checkout no longer has are exported like any other."""
    gone = replace(REFERENCE, workload="linear/gone")
    document = json.loads(export(report_of(plan(race(reference=gone, twin=None)), ENVIRONMENT, rounds(gone, 4e-4))))
    assert [each["group"] for each in document["benchmarks"]] == ["linear/gone"]


def test_an_arm_that_was_wrong_once_is_left_out() -> None:
    """Right in four rounds and wrong in the last: no time of it is handed on."""
    *right, last = rounds(MANUAL, 5e-4)
    spoilt = [*rounds(REFERENCE, 4e-4), *right, replace(last, status="wrong", reason="off")]
    document = json.loads(export(report_of(plan(race(MANUAL)), ENVIRONMENT, spoilt)))
    assert [each["param"] for each in document["benchmarks"]] == [REFERENCE.key]


def test_an_arm_that_nobody_judged_has_a_time_and_no_loss() -> None:
    """A record without a judgement, as an older or a shortened run may hold, is handed on with what it has."""
    unjudged = [replace(each, judgements=()) for each in rounds(REFERENCE, 4e-4)]
    (found,) = json.loads(export(report_of(plan(race()), ENVIRONMENT, unjudged)))["benchmarks"]
    assert found["extra_info"]["loss"] is None
    assert found["stats"]["rounds"] == 5
