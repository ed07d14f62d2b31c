"""The weights of each arm that the referee verified, and how far they were from the oracle's."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bench.results.record import Arm, Judgement, Record, Weights
from reports.run.report import RaceResult
from reports.text import numbers


@dataclass(frozen=True)
class Point:
    """The two weights of a line at one of its judgements."""

    judgement: Judgement
    weight: float
    bias: float


@dataclass(frozen=True)
class VerifiedArm:
    """All judgements of one arm.

    worst   the largest distance from the oracle, in units of what rounding can explain; infinite for no finite number
    points  the judged weights, of a model that is a line
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


def verified_arms(result: RaceResult) -> list[VerifiedArm]:
    """Every arm of a race that was judged at least once, in the order of its rows."""
    arms = (_verified(row.arm, result.records[row.arm]) for row in result.rows)
    return [arm for arm in arms if arm]


def _verified(arm: Arm, records: Sequence[Record]) -> VerifiedArm | None:
    """Where a judgement kept no weights, as in old records, the weights at the end of the job take their place."""
    judgements = [(judgement, record) for record in records for judgement in record.judgements]
    if not judgements:
        return None
    kept = [
        (judgement, judgement.weights or (record.job.weights if record.job and judgement.when == "job" else {}))
        for judgement, record in judgements
    ]
    return VerifiedArm(
        arm=arm,
        wrong=any(judgement.fault for judgement, _ in judgements),
        worst=max(_off(judgement) for judgement, _ in judgements),
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
