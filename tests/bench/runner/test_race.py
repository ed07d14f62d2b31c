"""The server that forks the workers of a step's rounds: where it saves time, and not where starting is measured."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.processes.worker_process import allowed_cores
from bench.results.record import Arm, Race
from bench.results.store import Store
from bench.runner import race as racing
from bench.runner.arm_run import ArmRun, Setup
from impls.contract.setting import Setting


def test_workers_of_later_rounds_are_forked(tmp_path: Path) -> None:
    """Round 1 and rounds of few arms have no server, nor has a recipe on more threads; else one that has loaded torch."""
    cores = allowed_cores()

    def arm(recipe: str) -> Arm:
        return Arm(workload="my_step.py", implementation=recipe, setting=Setting(updates=1))

    referee: Any = object()
    plan: Any = None
    course = racing._Course(
        Race(workload="my_step.py", arms=(arm("plain"),)), plan, Store.create(tmp_path), None,
        Setup(cores[-1:], cores, 60.0), {}, "", referee=referee,
    )  # fmt: skip
    runs = [ArmRun(arm(recipe), None, alone=False) for recipe in ("plain", "plain", "fused", "foreach")]
    threaded = [ArmRun(arm("two_threads"), None, alone=False) for _ in runs]
    with ExitStack() as stack:
        assert racing._server(course, stack, 1, runs) is None
        assert racing._server(course, stack, 2, runs[1:]) is None
        assert racing._server(course, stack, 2, [*runs[1:], *threaded]) is None
        server = racing._server(course, stack, 2, runs)
        assert server is not None
        assert server.alive
    assert not server.alive
