"""What a budget that was typed changes: how many rounds there are at least, how arms start, and which jobs are done."""

from pathlib import Path
from typing import Any, cast

import pytest

from bench.results.record import Arm, Race
from bench.results.store import Store
from bench.runner import race as racing
from bench.runner.arm_run import ArmRun, Setup
from bench.runner.block import Block
from bench.runner.plan import START_SECONDS, Choice, make_plan
from impls.contract.setting import Setting


def test_a_typed_budget_is_kept() -> None:
    """One round is enough then, and arms start together where starting them alone would take more than half of it."""
    usual = make_plan(Choice(), command="")
    short, long = (make_plan(Choice(budget=seconds), command="") for seconds in (60.0, 3000.0))
    arms = sum(len(race.arms) for race in short.races)
    assert (usual.rounds[0], usual.alone) == (3, True)
    assert (short.rounds[0], short.alone, short.budget) == (1, False, 60.0)
    assert (long.rounds[0], long.alone) == (1, True)
    (note,) = set(short.notes) - set(long.notes)
    assert f"to start them one at a time takes about {START_SECONDS * arms:.0f} s of the 60 s" in note
    assert make_plan(Choice(budget=60.0, rounds=5), command="").rounds == (5, 5)


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
    ("seconds_an_update", "role", "done"), [(0.01, "arm", True), (0.045, "arm", False), (0.045, "reference", True)]
)
def test_a_job_that_takes_too_long_is_left_out_and_said(
    seconds_an_update: float, role: Any, done: bool, tmp_path: Path
) -> None:
    """Of 100 seconds 40 may go into jobs; the reference's may take half of all."""
    arm = Arm(workload="linear/line", implementation="linear/manual", setting=Setting(updates=1000), role=role)
    plan, servers = cast("Any", None), cast("Any", None)
    race = Race(workload="linear/line", arms=(arm,))
    course = racing._Course(
        race, plan, Store.create(tmp_path), None, Setup([0], [0], 1.0), {}, servers, 100.0, ""
    )  # fmt: skip
    course.blocks[arm.block_key] = Block(updates=10, seconds=10 * seconds_an_update)
    job, spent = Job(arm), {"job": 0.0}
    racing._do_job(course, cast("ArmRun", job), spent)
    assert (job.did, job.needed) == (done, None if done else pytest.approx(1000 * seconds_an_update))
    assert spent["job"] == 4.0 * done
