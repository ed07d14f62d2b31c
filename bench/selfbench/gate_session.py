"""Runs sessions of trials: equal budgets for our gate and others, on code without a change or with a known slowdown.

Each trial is one file that is written whole, so a series of sessions can be stopped and resumed.
"""

import importlib.metadata
import os
import platform
import random
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import clock
from bench.processes.worker_process import ROOT, allowed_cores
from bench.results.record import Arm
from bench.results.store import Store, StoreError, pretty, read
from bench.selfbench import gate_trial, inject_slowdown
from bench.selfbench.figure import Figure
from bench.selfbench.gate_score import FORMAT, OURS, PLAN, Outcome, SeriesPlan, Trial, score
from bench.selfbench.gate_trial import TrialSetup
from bench.selfbench.other_gates import SAMPLINGS, ProcessRun, Sampling
from bench.selfbench.own_gate import own_gate
from bench.system import environment
from impls.contract import catalogue

ARMS = ("linear/nn_sgd", "linear/manual", "linear/in_place", "linear/no_grad")
BUDGET = 60.0  # seconds of wall time of a comparison: what the gate promises to need at most
PACKAGES = ("torch", "pytest-benchmark", "pyperf", "scipy")

OurGate = Callable[[TrialSetup], Outcome]


def run_sessions(
    sessions: int,
    budget: float,
    target: Path,
    ours: OurGate | None = None,
    *,
    levels: Sequence[float] = (0.0,),
    implementations: Sequence[str] = ARMS,
    samplings: Sequence[Sampling] = SAMPLINGS,
) -> Generator[str, None, None]:
    """Carries out the trials that are missing of so many sessions; yields a line before each step.

    budget     seconds of wall time for each comparison of each method
    target     a folder; one that holds a series of sessions is resumed
    ours       our gate; None: the others alone
    levels     slowdowns that are put into the head's code; with 0 it gets functions that nobody calls
    samplings  how the data of the other gates are collected

    Raises StoreError when the series there is another one, WriteError when nothing can be written, and ArmFault when an arm
    ends, after which the series can be resumed.
    """
    store, workload = Store(target), catalogue.workloads()["linear/line"]
    arms = tuple(
        Arm(workload=workload.name, implementation=name, setting=workload.setting()) for name in implementations
    )
    machine, versions = _machine()
    asked = SeriesPlan(
        seed=1,
        budget=budget,
        levels=tuple(levels),
        arms=arms,
        ways=tuple(sampling.name for sampling in samplings),
        machine=machine,
        versions=versions,
    )
    plan = _begin(store, asked)
    everywhere = allowed_cores()
    with TemporaryDirectory(prefix="looprace-score-") as folder:
        instrument = inject_slowdown.instrument(Path(folder, "instrument"))
        base = inject_slowdown.side(Path(folder, "base"))
        os.sched_setaffinity(0, everywhere[:1])  # the arms have a core of their own, where there is more than one
        try:
            for session, arm, level in _programme(plan, sessions):
                name = f"trials/{session:03d}/{arm.slug}-{level:.3f}.json"
                if (target / name).exists():
                    continue
                with TemporaryDirectory(dir=folder) as scratch:
                    setup = TrialSetup(
                        arm=arm,
                        sides={"base": base, "head": Path(folder, "head")},
                        instrument=instrument,
                        scratch=Path(scratch),
                        budget=budget,
                        seed=f"{plan.seed} {name}",
                        cores=everywhere[-1:],
                        everywhere=everywhere,
                    )
                    for step in _trial(plan, setup, session, level, ours):
                        if isinstance(step, Trial):
                            store.write(name, pretty(step))
                        else:
                            yield f"session {session} of {sessions}, {arm.name}, {level:.0%}: {step}"
        finally:
            os.sched_setaffinity(0, everywhere)


def _programme(plan: SeriesPlan, sessions: int) -> Iterator[tuple[int, Arm, float]]:
    """Session, arm and level of each trial; the random order of a session is the same every time."""
    for session in range(1, sessions + 1):
        order = random.Random(f"{plan.seed} {session}")
        for arm in order.sample(plan.arms, len(plan.arms)):
            for level in order.sample(plan.levels, len(plan.levels)):
                yield session, arm, level


def _begin(store: Store, plan: SeriesPlan) -> SeriesPlan:
    """The plan, written when the series begins. Raises StoreError when another one was begun there."""
    path = store.path / PLAN
    if not path.exists():
        store.write(path.name, pretty(plan))
    begun = read(path, SeriesPlan, FORMAT)
    differs = [name for name in plan.__struct_fields__ if getattr(begun, name) != getattr(plan, name)]
    if differs:
        raise StoreError(
            f"{store.path} holds sessions with another {', '.join(differs)}: continue them as they were begun, "
            "or choose another folder."
        )
    return begun


def _machine() -> tuple[str, dict[str, str]]:
    """The machine in words, and the versions of Python and of the packages that matter."""
    try:
        versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    except importlib.metadata.PackageNotFoundError as error:
        raise StoreError(
            f"{error.name} is not installed, and its rule is part of the score: pip install {error.name}"
        ) from error
    return environment.machine_in_words(ROOT), {"python": platform.python_version(), **versions}


def _trial(
    plan: SeriesPlan, setup: TrialSetup, session: int, level: float, ours: OurGate | None
) -> Iterator[str | Trial]:
    """One trial: yields what is being done, and last the trial. The methods come in random order."""
    started = clock.today()
    seconds = 0.0
    if plan.ways:
        yield "how long an update takes"
        seconds = gate_trial.update_seconds(setup)
    inject_slowdown.inject(setup.sides["head"], setup.arm.implementation, level)
    runs: dict[str, tuple[ProcessRun, ...]] = {}
    outcome = None
    order = random.Random(setup.seed)
    samplings = {sampling.name: sampling for sampling in SAMPLINGS if sampling.name in plan.ways}
    names = [*samplings, *([OURS] if ours else [])]
    for name in order.sample(names, len(names)):
        yield name
        if ours and name == OURS:
            outcome = ours(setup)
        else:
            updates = max(1, round(samplings[name].block / seconds))
            runs[name] = gate_trial.collect(setup, samplings[name], updates)
    yield Trial(
        session=session,
        arm=setup.arm,
        level=level,
        started=started,
        pace=seconds,
        turns=runs,
        ours=outcome,
    )


def figures(sessions: int, target: Path) -> Iterator[Figure | str]:
    """The answers of each method in so many sessions; resumes the series in the folder."""
    yield from run_sessions(sessions, BUDGET, target, own_gate(until_budget=True))
    for method in score(target).methods:
        for level in method.levels:
            slower = level.slower
            answers = f"{slower.count} of {slower.of} called slower, {level.unresolved} unresolved"
            yield Figure(f"{method.name}, {level.level:.0%} slower", answers)
