"""What the referee saw of each arm's weights, and how far from the oracle. Apart because several pictures show it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bench.results.record import Arm, Judgement, Record, Weights
from reports.run.report import RaceResult
from reports.text import numbers


@dataclass(frozen=True)
class Point:
    """The weights of a line that were judged after so many updates."""

    judgement: Judgement
    weight: float
    bias: float


@dataclass(frozen=True)
class Judged:
    """All that the referee saw of one arm.

    worst   the largest distance from the oracle in units of what rounding can explain; infinite for what was no number
    points  of what it judged, those that are a line's
    """

    arm: Arm
    wrong: bool
    worst: float
    points: tuple[Point, ...]

    @property
    def final(self) -> Point | None:
        """Where its job ended."""
        return next((point for point in self.points if point.judgement.when == "job"), None)

    @property
    def excess(self) -> str:
        """How far off a wrong arm was: "3 000 times what rounding explains"."""
        return (
            f"{numbers.count(self.worst)} times what rounding explains" if math.isfinite(self.worst) else "no numbers"
        )


def judged(result: RaceResult) -> list[Judged]:
    """Every arm of a race that was judged at least once, in the order of its rows."""
    return [found for row in result.rows if (found := _judged(row.arm, result.records[row.arm]))]


def _judged(arm: Arm, records: Sequence[Record]) -> Judged | None:
    """Where a judgement kept no weights, as in old records, those that the job ended with stand in for them."""
    found = [(judgement, record) for record in records for judgement in record.judgements]
    if not found:
        return None
    kept = [
        (judgement, judgement.weights or (record.job.weights if record.job and judgement.when == "job" else {}))
        for judgement, record in found
    ]
    return Judged(
        arm=arm,
        wrong=any(judgement.fault for judgement, _ in found),
        worst=max(_off(judgement) for judgement, _ in found),
        points=tuple(Point(judgement, *pair) for judgement, weights in kept if (pair := _pair(weights))),
    )


def _pair(weights: Weights) -> tuple[float, float] | None:
    """(weight, bias) of a line; None for anything else, or for what is not finite."""
    numbers = [
        value
        for name in ("weight", "bias")
        for values in [weights.get(name)]
        for value in (values if isinstance(values, list) else [values])
    ]
    finite = [value for value in numbers if value is not None and math.isfinite(value)]
    return (finite[0], finite[1]) if len(numbers) == len(finite) == 2 else None


def _off(judgement: Judgement) -> float:
    if judgement.distance is None or not math.isfinite(judgement.distance):
        return math.inf
    if judgement.tolerance > 0:
        return judgement.distance / judgement.tolerance
    return math.inf if judgement.distance else 0.0
