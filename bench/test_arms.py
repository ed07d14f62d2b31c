"""pytest-benchmark as a front end: `pytest bench -k "nn_sgd and eager"`. Every arm is measured by a worker, as in a race.

`pytest bench --step=my_step.py` measures a training step instead; its answers are judged as in a race.

pytest-benchmark reads a clock that a worker's measurements set: one update a round. Here the arms run one after the other;
`python -m bench run` pairs them lap by lap, so that a noisy machine disturbs the comparison less.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from pytest_benchmark.fixture import BenchmarkFixture

from bench.processes import worker_process
from bench.results.record import Arm, Race, Record
from bench.runner import step_plan
from bench.runner.arm_run import ArmRun
from bench.runner.block import Block
from bench.runner.laps import BLOCK_SECONDS
from bench.runner.referee import StepReferee
from bench.runner.setup import Setup
from bench.runner.step_plan import NO_REWRITES, StepChoice
from bench.system.gpu_presence import why_no_gpu
from impls.contract import Oracle, catalogue
from impls.contract.catalogue import UnknownNameError
from impls.contract.setting import SettingError
from impls.floors.names import EVERY_FLOOR
from impls.recipe import steps
from impls.recipe.recipe import PLAIN_NAME

ROUNDS = 30
LIMIT = 300.0  # seconds that any one step of an arm may take
MEMBERS = 19  # of the ensemble that says what rounding explains of a step


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


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Makes a test of every arm: of the steps that were named, else of every exact workload."""
    if "arm" in metafunc.fixturenames:
        names, rewrites, recipes = (tuple(metafunc.config.getoption(name)) for name in ("step", "rewrite", "recipe"))
        choice = StepChoice(names=names, rewrites=rewrites or NO_REWRITES, recipes=recipes)
        try:
            metafunc.parametrize("arm", _arms_of_steps(choice) if names else _arms())
        except (SettingError, UnknownNameError) as error:
            raise pytest.UsageError(str(error)) from error


def _arms_of_steps(choice: StepChoice) -> list[Any]:
    """The arms of the steps that were named, on the first device that is there."""
    races = step_plan.races(choice, {}, ("cpu",) if why_no_gpu() else ("cuda",), "quick")
    arms = [
        replace(arm, role="arm")
        for race in races
        for arm in race.arms
        if arm.role != "twin" and arm.implementation not in EVERY_FLOOR
    ]
    return [pytest.param(arm, id=arm.key) for arm in arms]


def _arms() -> list[Any]:
    """Every arm of the exact workloads; one that needs a GPU is skipped where there is none."""
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


@dataclass
class Referees:
    """The judge of each step, which is examined once for all of its arms."""

    stack: ExitStack
    folder: Path
    started: dict[Arm, StepReferee] = field(default_factory=dict)

    def of(self, arm: Arm, setup: Setup) -> StepReferee:
        """The one that judges an arm."""
        plain = replace(arm, implementation=PLAIN_NAME, role="reference")
        if plain not in self.started:
            race = Race(workload=arm.workload, arms=(plain,))
            folder = self.folder / plain.slug
            self.started[plain] = StepReferee(
                self.stack, race, setup, log=folder / "logs", folder=folder, members=MEMBERS
            )
        return self.started[plain]


@pytest.fixture(scope="session")
def referees(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Referees]:
    """The judges of steps; they end with the session."""
    with ExitStack() as stack:
        yield Referees(stack, tmp_path_factory.mktemp("referees"))


@pytest.mark.benchmark(timer=looprace)
def test_arm(arm: Arm, benchmark: BenchmarkFixture, tmp_path: Path, referees: Referees) -> None:
    """The arm's answers are right, and one of its updates takes this long."""
    benchmark.group = arm.workload
    allowed = worker_process.allowed_cores()
    file = str(steps.find(arm.workload).path) if arm.setting.is_step else ""
    setup = Setup(allowed[-arm.setting.threads :], allowed, LIMIT, file=file)
    referee = referees.of(arm, setup) if file else None
    if referee and (reason := referee.refusal(arm.implementation)):
        pytest.skip(reason)
    arm_run = ArmRun(arm, None if file else _oracle(arm))
    arm_run.alone = True
    with ExitStack() as stack:
        arm_run.start(stack, setup, log=tmp_path / "arm.log", cache=tmp_path / "cache")
        while not arm_run.started():
            pass
        if referee:
            for _ in referee.judge([arm_run], len(allowed)):
                pass
        else:
            arm_run.run_job(tmp_path / "pictures")
        block = arm_run.calibrate(BLOCK_SECONDS, pause=0.0)
        if block:
            _measure(arm_run, block, benchmark)
    record = arm_run.record(run="pytest", number=1, started="", caveats=(), round_seconds=0.0, spent={})
    if record.status in ("unsupported", "unavailable"):
        pytest.skip(record.reason)
    assert (record.status, record.reason) == ("ok", "")
    benchmark.extra_info |= _answer(record) | {"first_seconds": record.first_seconds}


def _oracle(arm: Arm) -> Oracle:
    workload = catalogue.workloads()[arm.workload]
    return workload.oracle(workload.problem(arm.setting), arm.setting)


def _answer(record: Record) -> dict[str, Any]:
    """What was found of the arm's answers: of a step by its referee, else by the oracle."""
    if record.answer is not None:
        return {"answer": record.answer.word, "bits_lost": record.answer.bits_lost, "patch": record.patch}
    assert record.job is not None
    job = next(judgement for judgement in record.judgements if judgement.when == "job")
    return {
        "loss": job.loss,
        "weights": record.job.weights,
        "distance": job.distance,
        "tolerance": job.tolerance,
        "job_seconds": record.job.seconds,
    }


def _measure(arm_run: ArmRun, block: Block, benchmark: BenchmarkFixture) -> None:
    arm_run.start_laps(block, every=1)

    def sample() -> None:
        CLOCK.seconds += arm_run.sample(lap=1) / block.updates

    benchmark.pedantic(sample, setup=CLOCK.reset, rounds=ROUNDS, iterations=1, warmup_rounds=1)
    arm_run.finish()
