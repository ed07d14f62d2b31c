"""How long arms take to reach the same loss, whatever their batches."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bench.results.record import LossCurve, Race
from bench.results.statistics import Estimate
from impls.contract.coordinates import COORDINATES
from reports.run.report import RaceResult
from reports.run.rows import Row

TINY = 1e-300  # in place of nothing left above the least loss: it has a logarithm


@dataclass(frozen=True)
class Reached:
    """An arm that reaches the target: after so many updates, and so many seconds without its start."""

    row: Row
    updates: int
    seconds: Estimate


@dataclass(frozen=True)
class Way:
    """How a race reaches the target: all its right arms take the same number of updates; the fastest first."""

    result: RaceResult
    loss_curve: LossCurve
    updates: int
    arms: tuple[Reached, ...]


@dataclass(frozen=True)
class Target:
    """The lowest loss that each of some comparable races reaches within its job.

    loss     the target
    minimum  the least loss that any weights have
    ways     in the order of the races
    """

    loss: float
    minimum: float
    ways: tuple[Way, ...]


def targets(results: Sequence[RaceResult]) -> list[Target]:
    """The target of each group of races on the same problem, whatever their batches.

    Races without a right arm, without a stored loss curve, or whose loss does not fall are left out.
    """
    groups: dict[tuple[object, ...], list[RaceResult]] = {}
    for result in results:
        curve = result.loss_curve
        if curve and min(curve.losses) < curve.losses[0] and contestants(result):
            groups.setdefault(_problem(result.race), []).append(result)
    return [_target(group) for group in groups.values()]


def contestants(result: RaceResult) -> list[Row]:
    """The ranked faithful arms that are watched as the reference is, since watching takes time. Fastest first."""
    watch = result.race.reference.setting.watch
    return [row for row in result.rows if row.rank and row.work_class == "faithful" and row.arm.setting.watch == watch]


def updates_to(loss_curve: LossCurve, loss: float) -> int | None:
    """The number of updates after which the loss is first so low; None when it never is within the job.

    Between two points of the curve the logarithm of the distance from the least loss is taken to fall evenly.
    """
    first = next((i for i, reached in enumerate(loss_curve.losses) if reached <= loss), None)
    if not first:
        return first
    left = [
        math.log(max(each - loss_curve.minimum, TINY)) for each in (*loss_curve.losses[first - 1 : first + 1], loss)
    ]
    before, after = loss_curve.updates[first - 1 : first + 1]
    share = (left[0] - left[2]) / (left[0] - left[1]) if left[0] > left[1] else 1.0
    return before + math.ceil(round((after - before) * min(1.0, share), 6))


def _problem(race: Race) -> tuple[object, ...]:
    """Equal for races on the same problem, whatever their batches and the length of their jobs."""
    setting = race.reference.setting
    names = [each.name for each in COORDINATES if not each.raced and each.name not in ("batch", "updates")]
    return race.workload, *(getattr(setting, name) for name in names)


def _target(group: Sequence[RaceResult]) -> Target:
    curves = [result.loss_curve for result in group if result.loss_curve]
    loss = max(min(curve.losses) for curve in curves)
    ways = tuple(_way(result, curve, loss) for result, curve in zip(group, curves, strict=True))
    return Target(loss, curves[0].minimum, ways)


def _way(result: RaceResult, loss_curve: LossCurve, loss: float) -> Way:
    updates = updates_to(loss_curve, loss)
    assert updates is not None, "the target is a loss that every race of its group reaches"
    arms = [Reached(row, updates, scaled(row.seconds, updates)) for row in contestants(result) if row.seconds]
    return Way(result, loss_curve, updates, tuple(arms))


def scaled(each: Estimate, updates: int) -> Estimate:
    """The seconds of so many updates."""
    low, high = (None if edge is None else edge * updates for edge in (each.low, each.high))
    return Estimate(each.value * updates, low, high, each.rounds)
