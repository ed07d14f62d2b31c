"""Arms of several processes, started by torchrun: their answers, and what becomes of them when one of these fails."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from select import select

import psutil
import pytest

from bench.judge.referee import Referee
from bench.judge.standard import observation
from bench.processes.arm_process import RANKS
from bench.processes.worker_process import allowed_cores
from bench.results.record import Arm, Record
from bench.runner.arm_run import ArmRun
from bench.runner.block import Block
from bench.runner.setup import Setup
from bench.runner.step_plan import chosen
from impls.contract import Oracle, catalogue
from impls.contract.setting import Setting
from impls.recipe import step_file, steps
from impls.recipe.recipe import rewrites

STEP = '''"""A step whose second process can misbehave."""
import os
import signal
import time

import torch
from torch import nn

updates = 0


def model():
    return nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1))


def optimizer(model):
    return torch.optim.AdamW(model.parameters(), lr=0.01)


def batches(seed):
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield torch.randn(16, 8, generator=generator), torch.randn(16, 1, generator=generator)


def loss(model, batch, second="works"):
    global updates
    updates += 1
    if updates > 15 and torch.distributed.is_initialized() and torch.distributed.get_rank() == 1:
        if second == "is killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if second == "raises":
            raise ValueError("no such row")
        if second == "hangs":
            time.sleep(1000)
        if second == "lags":
            time.sleep(0.003)
    x, y = batch
    return ((model(x) - y) ** 2).mean()


def gradients(model):
    nn.utils.clip_grad_norm_(model.parameters(), 0.5)
'''
TOGETHER = [name for name, rewrite in rewrites().items() if rewrite.ranks]
BY_HAND = "parallel_by_hand"
LIMIT = 120.0  # seconds of a step: torchrun starts each arm twice over


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The step's file."""
    path = tmp_path_factory.mktemp("step") / "my_step.py"
    path.write_text(STEP, encoding="utf-8")
    return path


def arm_of(file: Path, name: str, dtype: str = "float32", **parameters: str) -> Arm:
    """An arm of that step with a core for each of two processes."""
    setting = steps.setting(step_file.read(file, "my_step.py"), {**parameters}, threads=2, dtype=dtype)
    return Arm(workload="my_step.py", implementation=name, setting=setting)


@contextmanager
def prepared(arms: list[Arm], file: str, folder: Path) -> Iterator[list[ArmRun]]:
    """Arms that have been started and built, beside each other."""
    cores = allowed_cores()
    setup = Setup(cores[-2:], cores, LIMIT, file=file)
    oracles = [None if arm.setting.is_step else oracle_of(arm) for arm in arms]
    runs = [ArmRun(arm, oracle) for arm, oracle in zip(arms, oracles, strict=True)]
    with ExitStack() as stack:
        waiting = list(runs)
        for number, run in enumerate(runs):
            run.start(stack, setup, log=folder / f"{number}.log", cache=folder / f"{number}")
        while waiting:
            select(waiting, [], [], 1.0)
            waiting = [run for run in waiting if not run.started(wait=0.0)]
        yield runs
    assert not [one.pid for one in psutil.process_iter() if one.pid in left_behind(folder)]


def left_behind(folder: Path) -> set[int]:
    """Processes of ranks that are still there: their compilers' caches lie in this folder."""
    found = set()
    for process in psutil.process_iter():
        try:
            variables = process.environ()
        except psutil.Error:
            continue
        if RANKS in variables and str(folder) in variables.get("TRITON_CACHE_DIR", ""):
            found.add(process.pid)
    return found


def oracle_of(arm: Arm) -> Oracle:
    """The oracle of an arm of an exact workload."""
    workload = catalogue.workloads()[arm.workload]
    return workload.oracle(workload.problem(arm.setting), arm.setting)


def recorded(run: ArmRun) -> Record:
    """The record of an arm."""
    return run.record(run="test", number=1, started="", caveats=(), round_seconds=0.0, spent={})


def test_processes_that_share_the_rows_unevenly_compute_the_same(file: Path, tmp_path: Path) -> None:
    """In float64 every way agrees with the plain update where a process has twice as many rows as the other."""
    double = [arm_of(file, name, "float64") for name in TOGETHER]
    referee = Referee(step_file.read(file, "my_step.py"), double[0].setting, members=5)
    assert {name: rewrites()[name].refusal(referee.plain) for name in TOGETHER} == dict.fromkeys(TOGETHER)
    with prepared(double, str(file), tmp_path) as runs:
        for run in runs:
            target = tmp_path / f"{run.arm.slug}.safetensors"
            assert run.observe(target), run.fault_reason
            answer = referee.judge(run.arm.implementation, observation.read(target))
            assert answer.word in ("same", "closer", "identical"), (run.arm.implementation, answer)
    assert (
        "different" == referee.judge("parallel_local_sgd", observation.observe(referee.plain)).word
    )  # the step is not it


def test_a_process_that_is_killed_raises_hangs_or_lags_is_told(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row says which process it was, how it ended or where it is; one that lags is measured, and told as well."""
    second = ("is killed", "raises", "hangs", "lags")
    with prepared([arm_of(file, BY_HAND, second=how) for how in second], str(file), tmp_path) as runs:
        monkeypatch.setattr(
            runs[second.index("hangs")]._worker, "_limit", 8.0
        )  # a start may take longer on a busy machine
        for run in runs:
            run.start_laps(Block(20, 0.01), every=1)
            run.sample(1)
            run.finish()
        killed, raised, hung, lagged = map(recorded, runs)
    assert ("crashed", "rank 1 was killed by SIGKILL") == (killed.status, killed.reason.partition(",")[0])
    assert ("failed", "in rank 1: ValueError: no such row") == (raised.status, raised.reason.partition(" (")[0])
    assert "timeout" == hung.status
    assert "rank 0 was in all_reduce" in hung.reason
    assert "rank 1 in loss (my_step.py:" in hung.reason
    assert "ok" == lagged.status
    assert lagged.blocks[0] / 20 > 0.003
    assert ["lags"] == [caveat.code for caveat in lagged.caveats if caveat.code == "lags"]
    assert [8, 8] == [share.rows for share in lagged.shares]


def test_processes_that_share_an_uneven_number_of_points_are_right(tmp_path: Path) -> None:
    """Every data parallel way of the exact workload is judged right where the processes have 1001 and 1000 rows."""
    names = [name for name, entry in catalogue.implementations().items() if entry.domain.ranks]
    setting = catalogue.workloads()["linear/line"].setting(rows=2001, threads=2, updates=10)
    arms = [Arm(workload="linear/line", implementation=name, setting=setting) for name in names]
    assert 7 == len(arms)
    with prepared(arms, "", tmp_path) as runs:
        for run in runs:
            run.start_laps(Block(20, 0.01), every=1)
            run.sample(1)
            run.finish()
        assert {run.arm.implementation: recorded(run).reason for run in runs} == dict.fromkeys(names, "")


def test_one_core_is_not_enough(file: Path) -> None:
    """With one thread a race refuses them, with what to type, and does not plan them unless they are named."""
    one = replace(arm_of(file, "plain").setting, threads=1)
    assert "give the race --threads 2" in str(catalogue.entry("linear/parallel_ddp").domain.excludes(line(threads=1)))
    assert catalogue.entry("linear/parallel_ddp").domain.excludes(line(threads=2)) is None
    assert not set(TOGETHER) & set(chosen((), one, "thorough"))
    assert set(TOGETHER) < set(chosen((), replace(one, threads=2), "standard"))
    assert [BY_HAND] == chosen((BY_HAND,), one, "quick")


def line(**chosen: int) -> Setting:
    """A setting of the exact workload."""
    return catalogue.workloads()["linear/line"].setting(**chosen)
