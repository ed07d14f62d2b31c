"""Carries a gate out: counts, then races all undecided cells in turn until each is decided or time is up.

It yields its progress and never prints. What is on disk is the state: what has been done is not done again.
"""

import os
import random
import shutil
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import fmean

from msgspec.structs import replace

from bench import clock
from bench.gate.answers import Answers
from bench.gate.counters import count
from bench.gate.paired_round import CellSetup, known_block, run_round
from bench.gate.rule.decision import FEWEST_CONTROLS, off, pooled
from bench.gate.rule.verdict import Standing, control_rounds, standing
from bench.gate.sides import checkout
from bench.processes.fork_server import LATER
from bench.processes.fork_servers import Servers
from bench.processes.memory_layout import STEADY
from bench.processes.worker_process import Origin, allowed_cores
from bench.progress import Progress
from bench.results.gate import ROLES, Cell, GatePlan, PairedRound, Role, Stage
from bench.results.gate_store import GateStore
from bench.system import environment
from impls.contract import Oracle, catalogue

MOST_CONTROLS = 24  # rounds of all controls together: after about 12 they tell 1 % from 0
CELLS_A_CONTROL = 4  # undecided cells for each round of a control in a turn
USUAL = 5  # rounds of each stage in which most cells are decided
GUESS = 2.5  # seconds of a round, before there has been any


@dataclass
class _State:
    """What is known of a gate while it is carried out.

    most        rounds of each stage
    everywhere  the cores that this process may use
    rounds      of each cell, by its slug
    oracles     of each problem, made when they are first needed
    """

    plan: GatePlan
    store: GateStore
    most: int
    everywhere: list[int]
    rounds: dict[str, list[PairedRound]]
    servers: Servers
    oracles: dict[str, Oracle] = field(default_factory=dict)

    def setup(self, cell: Cell) -> CellSetup:
        """What the rounds of a cell need; moves this process to cores that the arms do not use, where there are any."""
        cores = self.everywhere[-cell.arm.setting.threads :]
        os.sched_setaffinity(0, [core for core in self.everywhere if core not in cores] or self.everywhere)
        origins = self.origins(cell)
        oracle = self._oracle(cell)
        return CellSetup(self.plan, self.store, cell, origins, oracle, cores, self.everywhere, self.servers)

    def origins(self, cell: Cell) -> dict[Role, tuple[Origin, Origin]]:
        """Both copies of each side; both sides of a control are the base."""
        sides = {role: self.plan.side("base" if cell.kind == "control" else role) for role in ROLES}
        return {
            role: (checkout.origin(self.store.path, side, 0), checkout.origin(self.store.path, side, 1))
            for role, side in sides.items()
        }

    def standing(self, cell: Cell) -> Standing:
        """Where the cell stands."""
        return standing(cell, self.rounds[cell.slug], self.most)

    @property
    def controls(self) -> list[Cell]:
        """The cells that are the base on both sides."""
        return [cell for cell in self.plan.cells if cell.kind == "control"]

    @property
    def undecided(self) -> list[Cell]:
        """The cells that need another round."""
        return [cell for cell in self.plan.cells if cell.kind == "raced" and self.standing(cell).next]

    def control_rounds(self, stage: Stage) -> int:
        """How many rounds all controls have had together in a stage."""
        return sum(paired.stage == stage for cell in self.controls for paired in self.rounds[cell.slug])

    def control_stage(self, undecided: int) -> Stage:
        """The stage of the next round of a control: the confirmation, once all cells are decided and the controls are off.

        They are judged no sooner, because how many rounds they have by then depends on the other cells alone.
        """
        if self.control_rounds("confirm"):
            return "confirm"
        ready = not undecided and self.control_rounds("screen") >= FEWEST_CONTROLS
        return "confirm" if ready and off(pooled(control_rounds(self.controls, self.rounds, "screen"))) else "screen"

    def seconds(self, cell: Cell) -> float | None:
        """The mean wall time of the cell's rounds; None before the first."""
        rounds = self.rounds[cell.slug]
        return fmean(paired.seconds for paired in rounds) if rounds else None

    def _oracle(self, cell: Cell) -> Oracle | None:
        """The oracle of the cell's problem, which all devices and modes share; a step has none."""
        if cell.arm.setting.is_step:
            return None
        workload = catalogue.workloads()[cell.arm.workload]
        setting = cell.arm.setting
        key = repr((cell.arm.workload, {**vars(setting), "mode": "", "device": "", "watch": ""}))
        if key not in self.oracles:
            self.oracles[key] = workload.oracle(workload.problem(setting), setting)
        return self.oracles[key]


def run(plan: GatePlan, store: GateStore, *, budget: float, most: int) -> Generator[Progress, None, None]:
    """Does what is missing of a gate.

    budget  seconds after which no further round is started
    most    rounds of each stage, after which a cell stays unresolved

    Raises WriteError when a file cannot be written, StoreError when one cannot be read or another process writes there.
    """
    begin, everywhere = clock.now(), allowed_cores()
    with ExitStack() as stack:
        stack.enter_context(store.store.alone())
        stack.callback(os.sched_setaffinity, 0, everywhere)
        servers = stack.enter_context(Servers(store.path / "logs" / "servers.log", everywhere, plan.limit))
        rounds = {cell.slug: store.rounds(cell) for cell in plan.cells}
        if plan.head.steps:
            servers.load([LATER])
        state = _State(plan, store, most, everywhere, rounds, servers)
        for doing in _count(state):
            elapsed = clock.now() - begin
            yield Progress(doing, elapsed, elapsed + _forecast(state))
        for doing in _race(state, begin + budget):
            elapsed = clock.now() - begin
            yield Progress(doing, elapsed, min(max(budget, elapsed), elapsed + _forecast(state)))


def _forecast(state: _State) -> float:
    """Seconds that the undecided cells and the controls will take, if they need as many rounds as most cells do."""
    cells = sum(_rounds_left(state, cell) * (state.seconds(cell) or GUESS) for cell in state.undecided)
    return cells + max(0, FEWEST_CONTROLS - state.control_rounds("screen")) * GUESS


def _rounds_left(state: _State, cell: Cell) -> int:
    """About how many rounds an undecided cell still needs, at least 1."""
    stage = state.standing(cell).next
    return max(1, USUAL - sum(paired.stage == stage for paired in state.rounds[cell.slug]))


def _count(state: _State) -> Iterator[str]:
    """Counts every cell that is raced, can run here and has no counters yet."""
    gpus = bool(environment.gpus())
    runnable = [
        cell for cell in state.plan.cells if cell.kind == "raced" and (gpus or cell.arm.setting.device != "cuda")
    ]
    # A gate that is resumed counts again what could not be counted: the machine may have been short of memory then.
    missing = [cell for cell in runnable if (counts := state.store.counts(cell)) is None or counts.reason]
    with ExitStack() as stack:
        answers = Answers(stack, state.store.path.resolve())
        for number, cell in enumerate(missing, 1):
            yield f"counting {number} of {len(missing)}: {cell.arm.name}"
            origins = state.origins(cell)
            observed = state.store.path.resolve() / "cache" / "answers" / cell.slug
            counts = count(
                cell,
                {"base": origins["base"][0], "again": origins["base"][1], "head": origins["head"][0]},
                cores=state.everywhere[-cell.arm.setting.threads :],
                everywhere=state.everywhere,
                cache=state.store.path.resolve() / "cache" / "counts" / cell.slug,
                log=state.store.path / "logs" / cell.slug / "counts",
                limit=state.plan.limit,
                more=STEADY,
                file=state.plan.head.steps.get(cell.arm.workload, ""),
                answers=observed,
                servers=state.servers,
                order=random.Random(f"{state.plan.seed} counting {number}"),
            )
            if cell.arm.setting.is_step and not counts.reason:
                yield f"judging {cell.arm.name}: what it computes on the head"
                setup = state.setup(cell)
                setups = {role: setup.of(role, origins[role][0], {}) for role in ROLES}
                words = answers.judge(cell, observed, setups)
                counts = replace(counts, answer=words.get("head"), base_answer=words.get("base"))
            shutil.rmtree(observed, ignore_errors=True)
            state.store.write_counts(cell, counts)


def _race(state: _State, end: float) -> Iterator[str]:
    """Races every undecided cell and some controls once a turn, in a random order, turn after turn.

    So the rounds of a cell lie far apart, and a bad minute of the machine affects all cells a little and none twice.
    """
    turn = 0
    while True:
        turn += 1
        cells = state.undecided
        controls, stage = _controls(state, len(cells), turn), state.control_stage(len(cells))
        if not cells and not controls:
            return
        order = random.Random(f"{state.plan.seed} turn {turn} {len(cells)}")
        for cell in order.sample(cells + controls, len(cells + controls)):
            if clock.now() + (state.seconds(cell) or 0.0) > end:
                return
            yield from _round(state, cell, stage if cell.kind == "control" else state.standing(cell).next)


def _controls(state: _State, undecided: int, turn: int) -> list[Cell]:
    """The controls that are raced in this turn beside so many undecided cells: those with the fewest rounds so far.

    Beside few cells there is one in every second turn: else the controls of one cell take as long as the cell.
    """
    stage = state.control_stage(undecided)
    done = state.control_rounds(stage)
    if undecided:
        wanted = min(undecided // CELLS_A_CONTROL or turn % 2, MOST_CONTROLS - done)
    else:
        enough = FEWEST_CONTROLS if stage == "screen" else max(FEWEST_CONTROLS, state.control_rounds("screen"))
        wanted = enough - done
    return sorted(state.controls, key=lambda cell: len(state.rounds[cell.slug]))[: max(0, wanted)]


def _round(state: _State, cell: Cell, stage: Stage | None) -> Iterator[str]:
    """Races and keeps one round of a cell; nothing where it needs none."""
    rounds = state.rounds[cell.slug]
    if stage is None:
        return
    number = 1 + max((paired.round for paired in rounds if paired.stage == stage), default=0)
    for step in run_round(state.setup(cell), stage, number, known_block(rounds)):
        if isinstance(step, PairedRound):
            state.store.write_round(cell, step)
            rounds.append(step)
        else:
            what = "control" if cell.kind == "control" else stage
            yield f"{what} {number}, {cell.arm.name}: {step}"
