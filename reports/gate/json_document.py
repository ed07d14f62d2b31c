"""The JSON document of `gate --json`: the verdict for programs. Its fields are a promise."""

import math
from typing import Any

import msgspec

from bench.results.gate import CellVerdict, Clocked, Controls, Side
from bench.results.record import Answer
from reports.exit_status import status_of_gate
from reports.gate import text
from reports.gate.summary import GateReport
from reports.text.json import of_setting

FORMAT = 1


def document(report: GateReport) -> dict[str, Any]:
    """Plain dictionaries, lists, numbers and strings; what was not measured, or is not finite, is None.

    cells  of every arm, gravest first; `change` is head over base minus 1: above 0 is slower
    """
    verdict, plan = report.verdict, report.verdict.plan
    return {
        "format": FORMAT,
        "run": plan.run,
        "verdict": verdict.word,
        "status": int(status_of_gate(verdict)),
        "headline": report.headline,
        "complete": verdict.complete,
        "base": _side(plan.base),
        "head": _side(plan.head),
        "cells": [_cell(row.verdict) | {"said": row.sentence, "again": row.again} for row in report.rows],
        "controls": _controls(verdict.controls),
        "smallest_detectable": _finite(verdict.smallest_detectable),
        "family_error": _finite(verdict.family_error),
        "seconds": _finite(verdict.seconds),
        "command": plan.command,
        "resume": report.resume,
        "compared": list(report.compared),
        "notes": list(report.notes),
    }


def _side(side: Side) -> dict[str, Any]:
    kept: dict[str, Any] = msgspec.to_builtins(side)
    return {name: kept[name] for name in ("name", "commit", "changed", "python", "versions", "folder", "digest")}


def _cell(verdict: CellVerdict) -> dict[str, Any]:
    cell, counts = verdict.cell, verdict.counts
    counters = counts.counters.items() if counts else ()
    return {
        "arm": cell.arm.key,
        "workload": cell.arm.workload,
        "implementation": cell.arm.implementation,
        "setting": of_setting(cell.arm.setting),
        "verdict": verdict.word,
        "stops": verdict.stops,
        "reason": text.reason(verdict, counters=True),
        **_clocked(verdict.clocked),
        "screened": _clocked(verdict.screened) if verdict.screened else None,
        "minutes_to_resolve": _finite(verdict.minutes_to_resolve),
        "smallest_detectable": _finite(verdict.smallest_detectable),
        "gate": _finite(cell.margins.gate),
        "floor": _finite(cell.margins.floor),
        "differs": list(cell.differs),
        "counters": {
            name: {"base": _finite(count.base), "head": _finite(count.head), "bad": count.bad}
            for name, count in counters
        },
        "counters_unsteady": list(counts.unsteady) if counts else [],
        "counters_reason": counts.reason if counts else "",
        "graph_breaks": list(counts.breaks) if counts else [],
        **_answer(counts.answer if counts else None),
        "memory": msgspec.to_builtins(verdict.memory),
        "resident": msgspec.to_builtins(verdict.resident),
        "phases": {
            name: {"verdict": phase.word, "share": _finite(phase.share), **_clocked(phase.clocked)}
            for name, phase in verdict.phases.items()
        },
        "budgets": [msgspec.to_builtins(budget) for budget in verdict.budgets],
    }


def _answer(answer: Answer | None) -> dict[str, Any]:
    """What the update of a step computes on the head, beside the base's; None of an exact workload."""
    return {
        "answer": answer.word if answer else None,
        "bits_lost": _finite(answer.bits_lost) if answer else None,
        "tensor": answer.tensor if answer else "",
    }


def _controls(controls: Controls) -> dict[str, Any]:
    return {"names": list(controls.names), **_clocked(controls.clocked), "vetoes": controls.vetoes}


def _clocked(clocked: Clocked | None) -> dict[str, Any]:
    values = {name: getattr(clocked, name, None) for name in ("change", "low", "high", "deviation")}
    return {name: _finite(value) for name, value in values.items()} | {"rounds": clocked.rounds if clocked else 0}


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
