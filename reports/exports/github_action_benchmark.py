"""A run for github-action-benchmark, its tool customSmallerIsBetter: a chart an arm over the commits of a project."""

import math
from typing import Any

from bench.results.statistics import Estimate
from bench.results.store import pretty
from reports.run.columns import bits_lost
from reports.run.report import RunReport
from reports.run.rows import Row
from reports.text import numbers
from reports.text.sanitize import plain

# The action joins the points of a name whatever their unit, and converts none: so the unit never changes.
# Nanoseconds, because its charts and comments print plain numbers, and an update seldom takes a whole second.
UNIT, SCALE = "ns/update", 1e9
DIGITS = 6


def export(report: RunReport) -> bytes:
    """One entry a ranked arm, by its key, which is the same in every run; floors and the twin are left out.

    The action refuses a list without entries: a run that measured nothing fails the job there, too.
    """
    entries = {
        name: _entry(name, row, row.seconds, result.race.reference.name)
        for result in report.races
        for row in result.rows
        if row.rank and row.seconds and math.isfinite(row.seconds.value) and (name := plain(row.arm.key))
    }
    return pretty(list(entries.values()))


def _entry(name: str, row: Row, seconds: Estimate, reference: str) -> dict[str, Any]:
    half = 100 * seconds.half_width
    return {
        "name": name,
        "unit": UNIT,
        "value": float(f"{SCALE * seconds.value:.{DIGITS}g}"),
        **({"range": f"± {numbers.number(half, half)} %"} if math.isfinite(half) else {}),
        "extra": _extra(row, reference),
    }


def _extra(row: Row, reference: str) -> str:
    """What the chart's tooltip says below the value, a line each."""
    lines = [f"rounds: {row.rounds}"]
    if row.final_loss is not None:
        lines.insert(0, f"final loss: {row.final_loss:.{DIGITS}g}")
    if row.answer and row.arm.role != "reference":
        lines.insert(0, f"bits lost: {bits_lost(row)}")
    if row.ratio and row.arm.role != "reference":
        lines.insert(0, f"ratio to {plain(reference)}: {numbers.estimate(row.ratio)}")
    return "\n".join(lines)
