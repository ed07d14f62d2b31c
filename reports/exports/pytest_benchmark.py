"""A run in pytest-benchmark's JSON, for `pytest-benchmark compare` and whatever else reads that format."""

import platform
from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.results.record import Record
from bench.results.store import pretty
from reports.run.report import RunReport
from reports.text.json import of_setting
from reports.text.sanitize import plain


def export(report: RunReport) -> bytes:
    """One benchmark for each arm, in seconds an update; each round is one value, its median over laps.

    Statistics are computed as pytest-benchmark computes them. Arms without a time, or wrong in any round, are left out.
    """
    arms = {arm: result.records[arm] for result in report.races for arm in result.race.arms if arm.role != "twin"}
    started = min((record.started for record in report.records), default="")
    environment = report.environment
    machine = environment.get("machine", {})
    revision = environment.get("revision", {})
    document = {
        "machine_info": {
            "node": "",
            "processor": plain(machine.get("processor", "")),
            "machine": platform.machine(),
            "python_implementation": platform.python_implementation(),
            "python_version": environment.get("python", ""),
            "system": plain(environment.get("system", "")),
            "cpu": {"brand_raw": plain(machine.get("processor", "")), "count": machine.get("threads")},
            "gpus": machine.get("gpus", []),
            "torch": environment.get("packages", {}).get("torch"),
        },
        "commit_info": {
            "id": revision.get("commit") or "unversioned",
            "time": None,
            "author_time": None,
            "dirty": revision.get("changed"),
            "project": "looprace",
            "branch": None,
        },
        "benchmarks": [_benchmark(timed) for records in arms.values() if (timed := _timed(records))],
        "datetime": started,
        "version": "5.0.0",
    }
    return pretty(document)


def _timed(records: Sequence[Record]) -> list[Record]:
    """The rounds that measured an arm; none of an arm that any round saw fail or be wrong, and none of a floor."""
    sound = all(record.status == "ok" and record.work != "floor" for record in records)
    return [record for record in records if record.blocks] if sound else []


def _benchmark(records: Sequence[Record]) -> dict[str, Any]:
    arm = records[0].arm
    data = [float(np.median(list(record.per_update.values()))) for record in records]
    answer = next((record.answer for record in records if record.answer), None)
    job = next((record.job for record in records if record.job), None)
    judgements = [judgement for record in records for judgement in record.judgements]
    judgement = next((each for each in judgements if each.when == "job"), judgements[-1] if judgements else None)
    key = plain(arm.key)
    name = f"test_arm[{key}]"
    return {
        "group": plain(arm.workload),
        "name": name,
        "fullname": f"bench/test_arms.py::{name}",
        "params": None,
        "param": key,
        "extra_info": {
            "loss": judgement.loss if judgement else None,
            "distance": judgement.distance if judgement else None,
            "answer": answer.word if answer else None,
            "bits_lost": answer.bits_lost if answer else None,
            "weights": job.weights if job else None,
            "job_seconds": job.seconds if job else None,
            "setting": of_setting(arm.setting),
        },
        "options": {"disable_gc": False, "timer": "looprace", "min_rounds": 1, "max_time": 1.0, "min_time": 0.000005,
                    "warmup": False},
        "stats": _statistics(data),
    }  # fmt: skip


def _statistics(data: Sequence[float]) -> dict[str, Any]:
    q1, median, q3 = (float(value) for value in np.percentile(data, (25, 50, 75)))
    mean, spread = float(np.mean(data)), float(np.std(data, ddof=1)) if len(data) > 1 else 0.0
    low, high = q1 - 1.5 * (q3 - q1), q3 + 1.5 * (q3 - q1)
    mild = sum(not low <= value <= high for value in data)
    far = sum(abs(value - mean) > spread for value in data) if spread else 0
    return {
        "min": min(data),
        "max": max(data),
        "mean": mean,
        "stddev": spread,
        "rounds": len(data),
        "median": median,
        "iqr": q3 - q1,
        "q1": q1,
        "q3": q3,
        "iqr_outliers": mild,
        "stddev_outliers": far,
        "outliers": f"{far};{mild}",
        "ld15iqr": min(value for value in data if value >= low),
        "hd15iqr": max(value for value in data if value <= high),
        "ops": 1 / mean,
        "total": float(sum(data)),
        "data": list(data),
        "iterations": 1,
    }
