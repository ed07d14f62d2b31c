"""The same loss for races of all batches: the updates to it are the oracle's, the seconds the arm's, with its interval."""

import math
from typing import Any

import pytest

from bench.results.record import Arm, LossCurve, Race, Record
from reports.run.report import report_of
from reports.run.time_to_loss import Target, contestants, targets, updates_to
from tests.reports.figure_contents import MINIMUM, loss_curve
from tests.reports.records import MOMENTS, arm, compared, floored, plan, race, rounds


def falling(*losses: float, each: int = 100) -> LossCurve:
    """A descent with these losses, a point every hundred updates."""
    return LossCurve(updates=tuple(each * n for n in range(len(losses))), losses=losses, minimum=0.0)


def batches(*sizes: Any, **more: Any) -> tuple[list[Race], list[Record]]:
    """A race for each batch, in which linear/c takes a tenth of the reference, and a batch its share of the rows."""
    races, records = [], []
    for size in sizes:
        shared = {"batch": size} | more
        reference = arm("linear/nn_sgd", "reference", **shared)
        fast = arm("linear/c", **shared)
        share = 1.0 if size == "full" else size / 100_000
        races.append(race(fast, reference=reference, twin=None))
        records += [*rounds(reference, 4e-4 * share, salt=[1]), *rounds(fast, 4e-5 * share, salt=[2])]
    return races, records


def found(races: list[Race], records: list[Record], loss_curves: dict[Race, LossCurve]) -> list[Target]:
    """The targets of these races."""
    return targets(report_of(plan(*races), {}, records, loss_curves).races)


def test_the_target_is_what_every_race_reaches() -> None:
    """It is the lowest loss of the race that gets least far; the other passes it earlier."""
    races, records = batches("full", 100)
    (target,) = found(races, records, {races[0]: falling(8, 4, 2, 1), races[1]: falling(8, 2, 1, 0.5)})
    assert target.loss == 1
    assert [way.updates for way in target.ways] == [300, 200]


def test_seconds_are_updates_by_the_arms_interval() -> None:
    """Value, low and high of an update, each times the updates."""
    races, records = batches("full")
    (target,) = found(races, records, {races[0]: falling(8, 4, 2, 1)})
    for reached in target.ways[0].arms:
        each = reached.row.seconds
        assert each
        assert each.low
        assert reached.seconds.value == pytest.approx(300 * each.value)
        assert reached.seconds.low == pytest.approx(300 * each.low)
    assert [reached.row.arm.implementation for reached in target.ways[0].arms] == ["linear/c", "linear/nn_sgd"]


@pytest.mark.parametrize("more", [{"rows": 50_000}, {"dtype": "float64"}, {"lr": 1e-3}, {"seed": 7}, {"threads": 2}])
def test_races_on_other_problems_are_no_group(more: dict[str, Any]) -> None:
    """Whatever differs but the batch and the length of the job makes another target."""
    (one,), mine = batches("full")
    (other,), theirs = batches(100, **more)
    loss_curves = {one: falling(8, 1), other: falling(8, 2)}
    assert [target.loss for target in found([one, other], mine + theirs, loss_curves)] == [1, 2]


def test_jobs_of_other_lengths_are_one_group() -> None:
    """A race that makes more updates has no other target."""
    (one,), mine = batches("full")
    (other,), theirs = batches(100, updates=500)
    assert len(found([one, other], mine + theirs, {one: falling(8, 1), other: falling(8, 2)})) == 1


def test_updates_between_two_points_are_told() -> None:
    """What is left above the least loss falls evenly in its logarithm: half the way is the geometric mean."""
    assert updates_to(falling(16, 4), 8) == 50
    assert updates_to(falling(16, 4, 1), 4) == 100
    assert updates_to(falling(16, 4), 16) == 0
    assert updates_to(falling(16, 4), 3.9) is None


@pytest.mark.parametrize("updates", [37, 4_321, 9_999])
def test_of_an_exact_course_the_updates_are_exact(updates: int) -> None:
    """A bowl's course between its points is nearly even in its logarithm: within one update in a hundred of a point."""
    exact = loss_curve()
    loss = MINIMUM + sum(c * (d * (1 - 2e-4 * c) ** updates) ** 2 for c, d in zip((3.0, 1.0), (0.5, 0.35), strict=True))
    reached = updates_to(exact, loss)
    assert reached is not None
    assert abs(reached - updates) <= 1


def test_a_loss_that_rises_again_is_reached_at_first() -> None:
    """Single samples wander: the first time counts."""
    assert updates_to(falling(16, 4, 9, 4, 1), 4) == 100


def test_a_job_that_ends_at_the_least_loss_has_a_target() -> None:
    """Nothing left above the least loss has no logarithm; its updates are found all the same."""
    assert updates_to(falling(16, 4, 0.0), 0.0) == 200
    assert updates_to(falling(16, -1e-17, -2e-17), -2e-17) == 200


def test_what_does_not_descend_has_no_target() -> None:
    """A loss that only rises is reached by doing nothing."""
    races, records = batches("full")
    assert found(races, records, {races[0]: falling(8, 9, math.inf)}) == []


def test_a_race_without_descent_has_no_target() -> None:
    """Old runs kept none."""
    assert found(*batches("full", 100), {}) == []


def test_only_faithful_arms_run_for_the_target() -> None:
    """Floors have no loss, another algorithm does not descend, and a watched arm does more than train."""
    watched = arm("linear/nn_sgd", watch="draw")
    others = [*rounds(MOMENTS, 1e-9, work="algorithmic"), *rounds(watched, 3e-3)]
    names: list[Arm] = [row.arm for row in contestants(floored({arm("linear/c"): 4e-5}, *others).races[0])]
    assert [one.implementation for one in names] == ["linear/c", "linear/nn_sgd"]
    assert watched not in names
    assert contestants(compared({}).races[0])[0].arm.role == "reference"
