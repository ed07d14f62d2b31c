"""pytest-benchmark as a front end: `pytest bench -k "nn_sgd and eager"`. Every arm is measured by a worker, as in a race.

pytest-benchmark reads a clock that a worker's measurements set: one update a round. Here the arms run one after the other;
`python -m bench run` pairs them lap by lap, so that a noisy machine disturbs the comparison less.
"""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.results.record import Arm
from bench.runner import worker_process
from bench.runner.arm_run import ArmRun, Block, Setup
from bench.runner.race import BLOCK_SECONDS
from bench.system.gpu_presence import why_no_gpu
from impls.contract import catalogue

ROUNDS = 30


class WorkersClock:
    """A clock that moves only by the seconds that a worker reports."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def reset(self) -> None:
        """Goes back to zero before each round, so that no digits are lost to subtraction."""
        self.seconds = 0.0


CLOCK = WorkersClock()


def looprace() -> float:
    """The timer that pytest-benchmark is given; the report shows its name."""
    return CLOCK.seconds


def _arms() -> list[Any]:
    """Every arm as a parameter of the test; one that needs a GPU is skipped where there is none."""
    absent = why_no_gpu()
    devices = ("cpu",) if absent else ("cpu", "cuda")
    arms = [
        Arm(workload=workload.name, implementation=entry.name, setting=workload.setting(device=device, mode=mode))
        for workload in catalogue.workloads().values()
        for entry in catalogue.choose_implementations(["*"], catalogue.family_of(workload.name))
        if entry.work != "floor" and "full" in entry.domain.batches
        for device in [name for name in entry.domain.devices if name in devices] or entry.domain.devices
        for mode in entry.domain.modes
    ]
    skipped = pytest.mark.skip(reason=f"there is no GPU: {absent}")
    return [pytest.param(arm, id=arm.key, marks=() if arm.setting.device in devices else skipped) for arm in arms]


@pytest.mark.benchmark(timer=looprace)
@pytest.mark.parametrize("arm", _arms())
def test_arm(arm: Arm, benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """The arm's answers are right, and one of its updates takes this long."""
    benchmark.group = arm.workload
    workload = catalogue.workloads()[arm.workload]
    oracle = workload.oracle(workload.problem(arm.setting), arm.setting)
    allowed = worker_process.allowed_cores()
    arm_run = ArmRun(arm, oracle, alone=True)
    with ExitStack() as stack:
        cores = allowed[-arm.setting.threads :]
        arm_run.start(stack, Setup(cores, allowed, limit=300.0), log=tmp_path / "arm.log", cache=tmp_path / "cache")
        while not arm_run.started():
            pass
        arm_run.run_job(tmp_path / "pictures")
        block = arm_run.calibrate(BLOCK_SECONDS, pause=0.0)
        if block:
            _measure(arm_run, block, benchmark)
    record = arm_run.record(run="pytest", number=1, started="", caveats=(), round_seconds=0.0, spent={})
    if record.status in ("unsupported", "unavailable"):
        pytest.skip(record.reason)
    assert (record.status, record.reason) == ("ok", "")
    assert record.job is not None
    job = next(judgement for judgement in record.judgements if judgement.when == "job")
    benchmark.extra_info |= {
        "loss": job.loss,
        "weights": record.job.weights,
        "distance": job.distance,
        "tolerance": job.tolerance,
        "job_seconds": record.job.seconds,
        "first_seconds": record.first_seconds,
    }


def _measure(arm_run: ArmRun, block: Block, benchmark: BenchmarkFixture) -> None:
    arm_run.start_laps(block, every=1)

    def sample() -> None:
        CLOCK.seconds += arm_run.sample(lap=1) / block.updates

    benchmark.pedantic(sample, setup=CLOCK.reset, rounds=ROUNDS, iterations=1, warmup_rounds=1)
    arm_run.finish()
