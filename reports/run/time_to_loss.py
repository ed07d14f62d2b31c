"""How long arms take to the same loss, whatever their batches. Apart because pictures and tables say the same times."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bench.results.record import LossCurve, Race
from bench.results.statistics import Estimate
from impls.contract.setting import COORDINATES
from reports.run.report import RaceResult
from reports.run.rows import Row

TINY = 1e-300  # what is left above the least loss once nothing is


@dataclass(frozen=True)
class Reached:
    """An arm's way to the target: so many updates, of so many seconds in all, its start aside."""

    row: Row
    updates: int
    seconds: Estimate


@dataclass(frozen=True)
class Way:
    """A race's way to the target: all its right arms take the same updates to it, the fastest first."""

    result: RaceResult
    descent: LossCurve
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
    """One for each group of races on the same problem, whatever their batches; none of races that have no right arm, whose
    descent was not kept, or whose loss does not fall."""
    groups: dict[tuple[object, ...], list[RaceResult]] = {}
    for result in results:
        descent = result.loss_curve
        if descent and min(descent.losses) < descent.losses[0] and contestants(result):
            groups.setdefault(_problem(result.race), []).append(result)
    return [_target(group) for group in groups.values()]


def contestants(result: RaceResult) -> list[Row]:
    """The ranked faithful arms that are watched as the reference is: watching has a price of its own. Fastest first."""
    watch = result.race.reference.setting.watch
    return [row for row in result.rows if row.rank and row.work == "faithful" and row.arm.setting.watch == watch]


def updates_to(descent: LossCurve, loss: float) -> int | None:
    """The updates after which the loss is first so low; None when it never is within the job.

    Between two points of the descent the logarithm of what is left above the least loss is taken to fall evenly.
    """
    first = next((i for i, reached in enumerate(descent.losses) if reached <= loss), None)
    if not first:
        return first
    left = [math.log(max(each - descent.minimum, TINY)) for each in (*descent.losses[first - 1 : first + 1], loss)]
    before, after = descent.updates[first - 1 : first + 1]
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


def _way(result: RaceResult, descent: LossCurve, loss: float) -> Way:
    updates = updates_to(descent, loss)
    assert updates is not None, "the target is a loss that every race of its group reaches"
    arms = [Reached(row, updates, scaled(row.seconds, updates)) for row in contestants(result) if row.seconds]
    return Way(result, descent, updates, tuple(arms))


def scaled(each: Estimate, updates: int) -> Estimate:
    """The seconds of so many updates."""
    low, high = (None if edge is None else edge * updates for edge in (each.low, each.high))
    return Estimate(each.value * updates, low, high, each.rounds)
