"""A run as data frames and CSV: one row an arm and round, or an arm and size; for anybody's own analysis."""

import csv
from collections.abc import Sequence
from typing import Any

import msgspec
import pandas as pd

from bench.record import Arm, Record
from impls.setting import Setting
from reports.growth import Growth

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run a cell that begins so


_SETTING = Setting(rows=1, features=1, updates=1, lr=1.0)
_EMPTY = Record(  # names the columns of a run without records
    run="", arm=Arm(workload="", implementation="", setting=_SETTING), round=0, status="ok", started=""
)


def frame(records: Sequence[Record]) -> pd.DataFrame:
    """Times in seconds; blocks as their median, for the raw ones stay in the records."""
    return pd.DataFrame([_flat(record) for record in records], columns=list(_flat(_EMPTY)))


def to_csv(records: Sequence[Record]) -> str:
    """The frame as CSV, safe to open in a spreadsheet."""
    return _safe(frame(records))


def growth_csv(growth: Growth) -> str:
    """A sweep as CSV, safe in the same way: one row an arm and size, seconds an update with their interval."""
    columns = ["implementation", "device", "mode", "series", "class", "size", "seconds", "low", "high"]
    rows = [
        (arm.implementation, arm.setting.device, arm.setting.mode, course.series, course.work, point.size, *times)
        for course in growth.courses
        for arm in [course.arm]
        for point in course.points
        for times in [(point.seconds.value, point.seconds.low, point.seconds.high)]
    ]
    return _safe(pd.DataFrame(rows, columns=columns))


def _safe(table: pd.DataFrame) -> str:
    for name in table.columns:
        table[name] = [_tame(cell) for cell in table[name]]
    return table.to_csv(index=False, quoting=csv.QUOTE_NONNUMERIC)


def _flat(record: Record) -> dict[str, Any]:
    setting = msgspec.to_builtins(record.arm.setting)
    per_update = pd.Series(record.per_update, dtype=float)
    last = record.judgements[-1] if record.judgements else None
    return {
        "run": record.run,
        "round": record.round,
        "workload": record.arm.workload,
        "implementation": record.arm.implementation,
        "role": record.arm.role,
        **setting,
        "class": record.work,
        "status": record.status,
        "reason": record.reason,
        "seconds_per_update": per_update.median() if len(per_update) else None,
        "blocks": len(per_update),
        "updates_per_block": record.updates_per_block,
        "job_seconds": record.job.seconds if record.job else None,
        "import_seconds": record.import_seconds,
        "build_seconds": record.build_seconds,
        "first_seconds": record.first_seconds,
        "loss": last.loss if last else None,
        "distance": last.distance if last else None,
        "tolerance": last.tolerance if last else None,
        "peak_resident_bytes": record.peak_resident_bytes,
        "started": record.started,
    }


def _tame(cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    return "'" + cell if cell.startswith(FORMULA) else cell
