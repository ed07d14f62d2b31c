"""What forks the workers of a race's rounds: where it saves time, and not where starting is measured."""

import random
import sys
from pathlib import Path
from typing import Any

from bench.processes.fork_servers import Servers
from bench.processes.worker_process import allowed_cores
from bench.results.record import Arm, Race
from bench.results.store import Store
from bench.runner import race as racing
from bench.runner.arm_run import ArmRun
from bench.runner.setup import Setup
from impls.contract.setting import Setting


def test_workers_of_later_rounds_are_forked(tmp_path: Path) -> None:
    """Round 1 and rounds of few arms start from nothing, as recipes on more threads do; others are forked, at a drawn place."""
    cores = allowed_cores()

    def arm(recipe: str) -> Arm:
        return Arm(workload="my_step.py", implementation=recipe, setting=Setting(updates=1))

    plan: Any = type("Plan", (), {"rounds": (2, 2)})
    order = random.Random(1)
    with Servers(tmp_path / "servers.log", cores, 60.0) as servers:

        def course(*recipes: str) -> racing._Course:
            race = Race(workload="my_step.py", arms=tuple(map(arm, recipes)))
            setup = Setup(cores[-1:], cores, 60.0)
            return racing._Course(race, plan, Store.create(tmp_path), None, setup, {}, servers, 1.0, "")

        def runs(of: racing._Course) -> list[ArmRun]:
            return [ArmRun(each, None) for each in of.race.arms]

        many = course("plain", "plain", "fused", "foreach", "two_threads")
        assert racing._place(many, 1, runs(many), order) is None
        few = course("plain", "plain", "fused", "two_threads")
        assert racing._place(few, 2, runs(few), order) is None
        place = racing._place(many, 2, runs(many), order)
        assert place
        assert place.live[sys.executable].alive
    assert not place.live[sys.executable].alive
