"""A run in pyperf's JSON, for `pyperf stats`, `compare_to` and `hist`."""

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from bench.results.record import Arm, Plan, Record
from reports.run.report import RunReport
from reports.text.json import of_setting
from reports.text.sanitize import plain


def export(report: RunReport) -> bytes:
    """One benchmark an arm, one of their runs a round: both are a fresh process. A value is a block's seconds an update.

    The first update is the warmup. Floors, the twin, and arms that failed or were wrong in any round are left out.
    pyperf refuses a suite without benchmarks.
    """
    arms = {arm: result.records[arm] for result in report.races for arm in result.race.arms if arm.role != "twin"}
    benchmarks = {}
    for arm, records in arms.items():
        name = plain(arm.key).strip()
        runs = [_run(record) for record in records if record.status == "ok" and record.work != "floor"]
        if len(runs) == len(records) and (timed := [run for run in runs if run["values"]]):
            benchmarks[name] = {"metadata": _benchmark(arm, name, records[0]), "runs": timed}
    suite = {
        "version": "1.0",
        "metadata": _suite(report.plan, report.environment),
        "benchmarks": list(benchmarks.values()),
    }
    return msgspec.json.encode(suite) + b"\n"


def _suite(plan: Plan, environment: Mapping[str, Any]) -> dict[str, Any]:
    """What all benchmarks share; no network name."""
    machine, revision = environment.get("machine", {}), environment.get("revision", {})
    return _known(
        {
            "unit": "second",
            "inner_loops": 1,
            "command": plan.command,
            "commit_id": revision.get("commit"),
            "cpu_count": machine.get("threads"),
            "cpu_model_name": machine.get("processor"),
            "platform": environment.get("system"),
            "python_version": environment.get("python"),
            "torch_version": environment.get("packages", {}).get("torch"),
        }
    )


def _benchmark(arm: Arm, name: str, record: Record) -> dict[str, Any]:
    setting = {**of_setting(arm.setting), **arm.setting.named}
    return _known({**setting, "name": name, "workload": arm.workload, "class": record.work})


def _run(record: Record) -> dict[str, Any]:
    job = record.job.seconds if record.job else None
    steps = (record.import_seconds, record.build_seconds, record.first_seconds, job, *record.blocks)
    metadata = {
        "date": _date(record.started),
        "duration": math.fsum(_measured(steps)),
        "loops": record.updates_per_block,
        "mem_max_rss": record.peak_resident_bytes,
    }
    return {
        "metadata": _known(metadata),
        "warmups": [(1, first) for first in _measured([record.first_seconds])],
        "values": _measured(record.per_update.values()),
    }


def _measured(times: Iterable[float | None]) -> list[float]:
    return [time for time in times if time and 0 < time < math.inf]


def _known(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What is known, as pyperf takes it: text without line breaks, never empty; finite numbers."""
    text = {name: plain(value).strip() if isinstance(value, str) else value for name, value in metadata.items()}
    return {
        name: value
        for name, value in text.items()
        if value != "" and (isinstance(value, str) or (isinstance(value, int | float) and math.isfinite(value)))
    }


def _date(started: str) -> str:
    """The moment as pyperf writes its own: without a zone, or it could not be put in order with theirs."""
    try:
        moment = datetime.fromisoformat(started)
    except ValueError:
        return ""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ")
