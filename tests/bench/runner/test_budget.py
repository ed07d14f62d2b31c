"""What a budget that was typed changes: how many rounds there are at least, how arms start, and which jobs are done."""

from pathlib import Path
from typing import Any, cast

import pytest

from bench.results.record import Arm, Race
from bench.results.store import Store
from bench.runner import race as racing
from bench.runner.arm_run import ArmRun
from bench.runner.block import Block
from bench.runner.plan import Choice, make_plan
from bench.runner.setup import Setup
from impls.contract.setting import Setting


def test_a_typed_budget_is_kept() -> None:
    """One round is enough then, where nobody says how many."""
    usual, short = (make_plan(Choice(budget=seconds), command="") for seconds in (None, 60.0))
    assert (usual.rounds[0], short.rounds[0], short.budget) == (3, 1, 60.0)
    assert make_plan(Choice(budget=60.0, rounds=5), command="").rounds == (5, 5)


@pytest.mark.parametrize(
    ("seconds_each", "groups"), [(2.0, [1, 1, 1, 1, 1]), (12.0, [1, 4]), (0.0, [1, 1, 1, 1, 1]), (None, [5])]
)
def test_arms_start_together_once_starting_each_alone_proves_to_take_too_long(
    seconds_each: float | None, groups: list[int], tmp_path: Path
) -> None:
    """Of 100 seconds 25 may go into that: with five arms of 12 seconds the first shows that it takes too long."""
    arms = [ArmRun(Arm(workload="linear/line", implementation="a", setting=Setting(updates=1)), None) for _ in range(5)]
    spent = {"start": 0.0}
    made = []
    one_at_a_time = seconds_each is not None
    for group in racing._groups(course_of(tmp_path), arms, spent, one_at_a_time=one_at_a_time):
        spent["start"] += (seconds_each or 0.0) * len(group)
        made.append(len(group))
    assert made == groups
    assert [arm.alone for arm in arms] == [
        one_at_a_time and number < len(groups) - (groups[-1] > 1) for number in range(5)
    ]


def course_of(folder: Path, *arms: Arm) -> racing._Course:
    """A race that has 100 seconds."""
    plan, servers = cast("Any", None), cast("Any", None)
    race = Race(workload="linear/line", arms=arms)
    return racing._Course(race, plan, Store.create(folder), None, Setup([0], [0], 1.0), {}, servers, 100.0, "")


class Job:
    """An arm run that does its job in no time."""

    live = trains = True

    def __init__(self, arm: Arm) -> None:
        self.arm = arm
        self.did = False
        self.needed: float | None = None

    def run_job(self, picture: Path) -> float:
        self.did = True
        return 4.0

    def leave_job_out(self, needed: float, left: float) -> None:
        self.needed = needed


@pytest.mark.parametrize(
    ("seconds_an_update", "role", "done"), [(0.01, "arm", True), (0.03, "arm", False), (0.03, "reference", True)]
)
def test_a_job_that_takes_too_long_is_left_out_and_said(
    seconds_an_update: float, role: Any, done: bool, tmp_path: Path
) -> None:
    """Of 100 seconds 25 may go into jobs; the reference's may take half of all."""
    arm = Arm(workload="linear/line", implementation="linear/manual", setting=Setting(updates=1000), role=role)
    course = course_of(tmp_path, arm)
    course.blocks[arm.block_key] = Block(updates=10, seconds=10 * seconds_an_update)
    job, spent = Job(arm), {"job": 0.0}
    racing._do_job(course, cast("ArmRun", job), spent)
    assert (job.did, job.needed) == (done, None if done else pytest.approx(1000 * seconds_an_update))
    assert spent["job"] == 4.0 * done
