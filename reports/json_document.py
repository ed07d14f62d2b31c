"""The JSON document of `run --json` and `report --json`. Fields that exist keep their names and meanings."""

from typing import Any

from bench.results.examined import Examined
from bench.results.statistics import Estimate
from reports.growth.pays import Change, Pays
from reports.profile import text
from reports.profile.profiled import Profiled
from reports.run import climb_text
from reports.run.report import RunReport
from reports.run.rows import Row
from reports.run.sweep import Sweep
from reports.text.json import of_setting

FORMAT = 1


def document(report: RunReport, path: str) -> dict[str, Any]:
    """Plain dictionaries, lists, numbers and strings; what was not measured is None.

    path  the folder of the reports
    """
    return {
        "format": FORMAT,
        "run": path,
        "environment": report.environment,
        "warnings": [{"code": w.code, "text": w.text, "advice": w.advice} for w in report.warnings],
        "races": [
            {
                "workload": result.race.workload,
                "reference": result.race.reference.implementation,
                "twin": {"ratio": _value(result.twin), "low": _low(result.twin), "high": _high(result.twin)},
                "findings": [finding.text for finding in result.findings],
                "arms": [_arm(row) for row in result.rows],
                "attributions": _attributions(result.profiled),
                "climb": climb_text.document(result.climb) if result.climb else None,
                "examined": examined_document(result.examined) if result.examined else None,
            }
            for result in report.races
        ],
        "growth": _growth(report.sweep) if report.sweep else None,
    }


def examined_document(examined: Examined) -> dict[str, Any]:
    """What was found out about a step before it was raced, as `check --json` and a race have it."""
    return {
        "format": FORMAT,
        "step": examined.step,
        "repeatable": examined.repeatable,
        "random": examined.draws,
        "float64": examined.float64,
        "findings": [{"code": f.code, "text": f.text, "advice": f.advice} for f in examined.findings],
        "rewrites": [
            {"name": each.name, "applies": each.applies, "reason": each.reason or None, "numerics": each.numerics}
            for each in examined.rewrites
        ],
    }


def _attributions(profiled: Profiled | None) -> list[dict[str, Any]] | None:
    """Where the time of each profiled arm goes; None for a race that was not profiled."""
    return [text.document(attribution) for attribution in profiled.attributions] if profiled else None


def _arm(row: Row) -> dict[str, Any]:
    judgement, answer = row.judgement, row.answer
    return {
        "implementation": row.arm.implementation,
        "setting": of_setting(row.arm.setting),
        "class": row.work_class,
        "status": row.status,
        "reason": row.reason,
        "rank": row.rank,
        "verdict": row.verdict,
        "seconds_per_update": _value(row.seconds),
        "low": _low(row.seconds),
        "high": _high(row.seconds),
        "ratio": _value(row.ratio),
        "ratio_low": _low(row.ratio),
        "ratio_high": _high(row.ratio),
        "floor_ratio": _value(row.floor),
        "floor_low": _low(row.floor),
        "floor_high": _high(row.floor),
        "job_seconds": row.job_seconds,
        "cold_seconds": row.cold_seconds,
        "pays_off_after_updates": row.break_even.updates if row.break_even else None,
        "loss": row.final_loss,
        "weights": row.weights,
        "distance": judgement.distance if judgement else None,
        "tolerance": judgement.tolerance if judgement else None,
        "rounds": row.rounds,
        "rewrites": list(row.rewrites) if row.is_step else None,
        "answer": answer.word if answer else None,
        "bits_lost": answer.bits_lost if answer else None,
        "scale_bits": answer.scale_bits if answer else None,
        "draws": (answer.draws or None) if answer else None,
        "consistency_bits": answer.consistency_bits if answer else None,
        "distribution_p": answer.distribution_p if answer else None,
        "whose": answer.whose or None if answer else None,
        "stage": answer.stage or None if answer else None,
        "module": answer.module or None if answer else None,
        "script": answer.script or None if answer else None,
        "skipped": answer.skipped if answer else None,
        "audits": list(answer.audits) if answer else None,
        "mean_seconds_per_update": row.mean_seconds,
        "slope_per_update": row.slope,
        "peak_bytes": row.peak_bytes,
        "patch": row.patch or None,
    }


def _growth(sweep: Sweep) -> dict[str, Any]:
    return {
        "swept": sweep.swept,
        "arms": [
            {
                "name": course.name,
                "implementation": course.arm.implementation,
                "device": course.arm.setting.device,
                "mode": course.arm.setting.mode,
                "class": course.work,
                "points": [
                    {
                        "size": point.size,
                        "seconds_per_update": point.seconds.value,
                        "low": point.seconds.low,
                        "high": point.seconds.high,
                    }
                    for point in course.points
                ],
                "fit": {"fixed": fit.fixed, "each": fit.each, "off": fit.off} if (fit := course.fit) else None,
                "exponent": _interval(course.exponent),
                "pays": _pays(course.pays),
            }
            for course in sweep.courses
        ],
        "crossings": [
            {
                "becomes_slower": crossing.slower.name,
                "than": crossing.faster.name,
                **{name: getattr(crossing, name) for name in ("size", "low", "high", "below", "above")},
            }
            for crossing in sweep.crossings
        ],
    }


def _pays(pays: Pays | None) -> dict[str, Any] | None:
    if pays is None:
        return None
    change = pays.change
    return {
        "faster_at": pays.faster,
        "measured": pays.measured,
        "from": _change(change) if change and change.begins else None,
        "up_to": _change(change) if change and not change.begins else None,
    }


def _change(change: Change) -> dict[str, float]:
    return {"size": change.size, "low": change.low, "high": change.high}


def _interval(estimate: Estimate | None) -> dict[str, float | None] | None:
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high} if estimate else None


def _value(estimate: Estimate | None) -> float | None:
    return estimate.value if estimate else None


def _low(estimate: Estimate | None) -> float | None:
    return estimate.low if estimate else None


def _high(estimate: Estimate | None) -> float | None:
    return estimate.high if estimate else None
