"""One sitting of rival gates: the same machine, equal budgets, code without a change or with a known one. Never prints.

Apart from score.py, which says what came of it. Each trial is written whole, so a sitting can be stopped and gone on with.
"""

import importlib.metadata
import os
import platform
import random
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path

from bench import clock
from bench.results.record import Arm
from bench.results.store import Store, StoreError, pretty, read
from bench.runner.worker_process import ROOT, allowed_cores
from bench.selfbench import gate_trial, inject_slowdown
from bench.selfbench.figure import Figure
from bench.selfbench.gate_score import FORMAT, OURS, PLAN, Outcome, SittingPlan, Trial, tally
from bench.selfbench.gate_trial import Match
from bench.selfbench.other_gates import WAYS, Turn, Way
from bench.selfbench.own_gate import entrant
from bench.system import environment
from impls.contract import catalogue

ARMS = ("linear/nn_sgd", "linear/manual", "linear/in_place", "linear/no_grad")
BUDGET = 60.0  # seconds of wall time of a comparison: what the gate promises to need at most
PACKAGES = ("torch", "pytest-benchmark", "pyperf", "scipy")

Ours = Callable[[Match], Outcome]


def sitting(
    sessions: int,
    budget: float,
    target: Path,
    ours: Ours | None = None,
    *,
    levels: Sequence[float] = (0.0,),
    implementations: Sequence[str] = ARMS,
    ways: Sequence[Way] = WAYS,
) -> Generator[str, None, None]:
    """Carries out what is missing of so many sessions; yields a line before each step. Each trial is one file.

    budget  seconds of wall time for each comparison of each method
    ours    our gate; None: the others alone
    levels  slowdowns that are planted into the head's code; 0 adds functions that nobody calls
    ways    of collecting what the others decide by
    target  a folder; one that holds a sitting is gone on with

    Raises StoreError when the sitting there is another one, nothing can be written, or a rival is not installed; ArmFault
    when an arm ends: go on with the sitting then.
    """
    store, workload = Store(target), catalogue.workloads()["linear/line"]
    arms = tuple(
        Arm(workload=workload.name, implementation=each, setting=workload.setting()) for each in implementations
    )
    machine, versions = _here()
    asked = SittingPlan(
        seed=1,
        budget=budget,
        levels=tuple(levels),
        arms=arms,
        ways=tuple(way.name for way in ways),
        machine=machine,
        versions=versions,
    )
    plan = _begun(store, asked)
    everywhere = allowed_cores()
    cores = everywhere[-1:]
    with tempfile.TemporaryDirectory(prefix="looprace-score-") as folder:
        scratch = Path(folder)
        instrument, base = inject_slowdown.instrument(scratch / "instrument"), inject_slowdown.side(scratch / "base")
        os.sched_setaffinity(0, everywhere[:1])  # the arms have a core of their own, where there is more than one
        try:
            for session, arm, level in _programme(plan, sessions):
                name = f"trials/{session:03d}/{arm.slug}-{level:.3f}.json"
                if (target / name).exists():
                    continue
                this = Match(
                    arm=arm,
                    sides={"base": base, "head": scratch / "head"},
                    instrument=instrument,
                    scratch=scratch / name.removesuffix(".json"),
                    budget=budget,
                    seed=f"{plan.seed} {name}",
                    cores=cores,
                    everywhere=everywhere,
                )
                for step in _trial(plan, this, session, level, ours):
                    if isinstance(step, Trial):
                        store.write(name, pretty(step))
                    else:
                        yield f"session {session} of {sessions}, {arm.name}, {level:.0%}: {step}"
        finally:
            os.sched_setaffinity(0, everywhere)


def _programme(plan: SittingPlan, sessions: int) -> Iterator[tuple[int, Arm, float]]:
    """Session, arm and level of each trial; arms and levels in a random order of each session, the same every time."""
    for session in range(1, sessions + 1):
        order = random.Random(f"{plan.seed} {session}")
        for arm in order.sample(plan.arms, len(plan.arms)):
            for level in order.sample(plan.levels, len(plan.levels)):
                yield session, arm, level


def _begun(store: Store, plan: SittingPlan) -> SittingPlan:
    """The plan, written when the sitting begins. Raises StoreError when another one was begun there."""
    path = store.path / PLAN
    if not path.exists():
        store.write(path.name, pretty(plan))
    found = read(path, SittingPlan, FORMAT)
    differs = [name for name in plan.__struct_fields__ if getattr(found, name) != getattr(plan, name)]
    if differs:
        raise StoreError(
            f"{store.path} holds a sitting with another {', '.join(differs)}: go on with it as it was begun, "
            "or choose another folder."
        )
    return found


def _here() -> tuple[str, dict[str, str]]:
    """The machine in words, and the versions of what matters."""
    machine = environment.describe(ROOT)["machine"]
    try:
        versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    except importlib.metadata.PackageNotFoundError as error:
        raise StoreError(
            f"{error.name} is not installed, and its rule is part of the score: pip install {error.name}"
        ) from error
    return f"{machine['processor']}, {machine['cores']} cores", {"python": platform.python_version(), **versions}


def _trial(plan: SittingPlan, this: Match, session: int, level: float, ours: Ours | None) -> Iterator[str | Trial]:
    """One trial: what is being done, and last the trial. The methods come in random order."""
    started = clock.today()
    pace = 0.0
    if plan.ways:
        yield "how long an update takes"
        pace = gate_trial.pace(this)
    inject_slowdown.plant(this.sides["head"], this.arm.implementation, level)
    turns: dict[str, tuple[Turn, ...]] = {}
    outcome = None
    order = random.Random(this.seed)
    ways = {way.name: way for way in WAYS if way.name in plan.ways}
    names = [*ways, *([OURS] if ours else [])]
    for name in order.sample(names, len(names)):
        yield name
        if ours and name == OURS:
            outcome = ours(this)
        else:
            turns[name] = gate_trial.collect(this, ways[name], max(1, round(ways[name].block / pace)))
    yield Trial(
        session=session,
        arm=this.arm,
        level=level,
        started=started,
        pace=pace,
        turns=turns,
        ours=outcome,
    )


def figures(sessions: int, target: Path) -> Iterator[Figure | str]:
    """What each method said of so many sessions; goes on with the sitting that is in the folder."""
    yield from sitting(sessions, BUDGET, target, entrant(whole=True))
    for method in tally(target).methods:
        for each in method.levels:
            said = f"{each.slower.count} of {each.slower.of} called slower, {each.unresolved} unresolved"
            yield Figure(f"{method.name}, {each.level:.0%} slower", said, "nothing", kept=True)
