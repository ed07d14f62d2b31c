"""A run in Bencher Metric Format, for `bencher run --adapter json`: several measures of each arm over time."""

import math
import zlib

from bench.results.statistics import Estimate
from bench.results.store import pretty
from reports.run.report import RunReport
from reports.run.rows import Row
from reports.text.sanitize import plain

LONGEST = 1024  # bytes of a benchmark's name that Bencher takes


def export(report: RunReport) -> bytes:
    """Each ranked arm by its key, with every measure that is finite; floors and the twin are left out."""
    return pretty({_name(row.arm.key): _measures(row) for result in report.races for row in result.rows if row.rank})


def _name(key: str) -> str:
    """The key, which is the same in every run; a longer one than Bencher takes ends in its checksum instead."""
    name = plain(key).encode()
    if len(name) > LONGEST:
        name = name[: LONGEST - 9] + b" %08x" % zlib.crc32(name)
    return name.decode(errors="ignore")


def _measures(row: Row) -> dict[str, dict[str, float]]:
    """By the slugs of the measures. The format has no place for units, so those Bencher does not know carry theirs.

    A cold start that was measured while others started is not the arm's own, and would raise false alarms.
    """
    measures: dict[str, dict[str, float | None]] = {
        "latency": _interval(row.seconds, 1e9),  # built in, in nanoseconds
        "ratio": _interval(row.ratio if row.arm.role != "reference" else None),
        "loss": {"value": row.final_loss},
        "cold-start-seconds": {"value": row.cold_seconds if row.cold_alone else None},
        "peak-memory-bytes": {"value": row.peak_resident_bytes},
    }
    finite = {slug: _finite(each) for slug, each in measures.items()}
    return {slug: each for slug, each in finite.items() if "value" in each}


def _interval(estimate: Estimate | None, scale: float = 1.0) -> dict[str, float | None]:
    if estimate is None:
        return {}
    values = {"value": estimate.value, "lower_value": estimate.low, "upper_value": estimate.high}
    return {name: None if value is None else value * scale for name, value in values.items()}


def _finite(metric: dict[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in metric.items() if value is not None and math.isfinite(value)}
