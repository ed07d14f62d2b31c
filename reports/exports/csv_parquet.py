"""The records of a run as CSV and Parquet; a column's name means the same in both."""

import statistics
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, Literal

import msgspec
import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray

from bench.results.record import Arm, Record
from impls.contract.setting import Setting
from reports.text.csv import safe_csv

_SETTING = Setting(rows=1, features=1, updates=1, lr=1.0)
_EMPTY = Record(  # names the columns of a run without records
    run="", arm=Arm(workload="", implementation="", setting=_SETTING), round=0, status="ok", started=""
)


def frame(records: Sequence[Record]) -> pd.DataFrame:
    """A row for each record: times in seconds, blocks as their median."""
    return pd.DataFrame([_flat(record) for record in records], columns=list(_flat(_EMPTY)))


def to_csv(records: Sequence[Record]) -> str:
    """The frame as CSV, safe to open in a spreadsheet."""
    return safe_csv(frame(records))


def to_parquet(records: Sequence[Record]) -> bytes:
    """One row a block, as it was timed, in seconds; a record without blocks keeps one row, whose times are null.

    The columns have the same types in every run, all of which know nulls. Arms that raced are paired by round and lap.
    """
    rows = [max(1, len(record.blocks)) for record in records]
    whole = pd.DataFrame([_shared(record) for record in records], columns=list(_KINDS)).astype(_KINDS)
    table = whole.take(np.repeat(np.arange(len(records)), rows)).reset_index(drop=True)
    device = [record.device_blocks or (None,) * count for record, count in zip(records, rows, strict=True)]
    table["lap"] = _joined([record.laps or (None,) for record in records], "Int64")
    table["seconds"] = _joined([record.blocks or (None,) for record in records], "Float64")
    table["device_seconds"] = _joined(device, "Float64")
    table["seconds_per_update"] = table["seconds"] / table["updates_per_block"]
    return table.to_parquet(None, index=False)


def _joined(parts: Iterable[Iterable[float | None]], kind: Literal["Int64", "Float64"]) -> ExtensionArray:
    return pd.array(list(chain.from_iterable(parts)), dtype=kind)


def _identity(record: Record) -> dict[str, Any]:
    return {
        "run": record.run,
        "round": record.round,
        "workload": record.arm.workload,
        "implementation": record.arm.implementation,
        "role": record.arm.role,
        **msgspec.to_builtins(record.arm.setting),
        "parameters": " ".join(f"{name}={value}" for name, value in record.arm.setting.parameters),
        "class": record.work,
        "status": record.status,
        "reason": record.reason,
    }


def _shared(record: Record) -> dict[str, Any]:
    """What all blocks of a record have in common."""
    more = {"batch": str(record.arm.setting.batch), "started": record.started}
    return {**_identity(record), **more, "updates_per_block": record.updates_per_block}


_OF_TYPE = {str: "string", int: "Int64", float: "Float64", type(None): "Int64"}
_KINDS = {name: _OF_TYPE[type(value)] for name, value in _shared(_EMPTY).items()}
_KINDS["seed"] = "UInt64"  # the one number that may be that large


def _flat(record: Record) -> dict[str, Any]:
    per_update = record.per_update.values()
    last = record.judgements[-1] if record.judgements else None
    return {
        **_identity(record),
        "seconds_per_update": statistics.median(per_update) if per_update else None,
        "blocks": len(per_update),
        "updates_per_block": record.updates_per_block,
        "job_seconds": record.job.seconds if record.job else None,
        "import_seconds": record.import_seconds,
        "build_seconds": record.build_seconds,
        "first_seconds": record.first_seconds,
        "loss": last.loss if last else None,
        "distance": last.distance if last else None,
        "tolerance": last.tolerance if last else None,
        "answer": record.answer.word if record.answer else None,
        "bits_lost": record.answer.bits_lost if record.answer else None,
        "peak_device_bytes": record.peak_device_bytes,
        "peak_resident_bytes": record.peak_resident_bytes,
        "started": record.started,
    }
