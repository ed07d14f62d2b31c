"""Carries a gate out: counts, then rounds of all open cells in turn, until each is decided or time is up. Yields, never prints.

What is on disk is the state: whatever has been done is not done again, and a decision looks at the rounds alone.
"""

import os
import random
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import fmean

from bench import clock
from bench.gate.counters import count
from bench.gate.fork_servers import Servers
from bench.gate.paired_round import CellSetup, known_block, run_round
from bench.gate.rule.decision import FEWEST_CONTROLS, off, pooled
from bench.gate.rule.verdict import Standing, control_rounds, standing
from bench.gate.sides import checkout
from bench.results.gate import ROLES, Cell, GatePlan, PairedRound, Role, Stage
from bench.results.gate_store import GateStore
from bench.runner.memory_layout import STEADY
from bench.runner.worker_process import Origin, allowed_cores
from bench.system import environment
from impls.contract import Oracle, catalogue

MOST_CONTROLS = 24  # rounds of all controls together: by 12 or so they tell 1 % from 0
CELLS_A_CONTROL = 4  # so many open cells bring one round of a control in each turn
USUAL = 5  # rounds of each stage in which most cells are decided
GUESS = 2.5  # seconds of a round, before there has been any


@dataclass(frozen=True)
class Progress:
    """Where a gate stands: what is being done, and seconds so far and expected in all."""

    doing: str
    elapsed: float
    expected: float


@dataclass
class _Course:
    """What a gate keeps while it is carried out."""

    plan: GatePlan
    ledger: GateStore
    most: int
    everywhere: list[int]
    duels: dict[str, list[PairedRound]]
    servers: Servers
    oracles: dict[str, Oracle] = field(default_factory=dict)

    def setup(self, cell: Cell) -> CellSetup:
        """Where the cell's next round takes place."""
        cores = self.everywhere[-cell.arm.setting.threads :]
        os.sched_setaffinity(0, [core for core in self.everywhere if core not in cores] or self.everywhere)
        origins = self.origins(cell)
        return CellSetup(
            self.plan, self.ledger, cell, origins, self._oracle(cell), cores, self.everywhere, self.servers
        )

    def origins(self, cell: Cell) -> dict[Role, tuple[Origin, Origin]]:
        """Both copies of each side; a control is the base on both."""
        found: dict[Role, tuple[Origin, Origin]] = {}
        for role in ROLES:
            side = self.plan.side("base" if cell.kind == "control" else role)
            found[role] = (checkout.origin(self.ledger.path, side, 0), checkout.origin(self.ledger.path, side, 1))
        return found

    def standing(self, cell: Cell) -> Standing:
        """Where the cell stands."""
        return standing(cell, self.duels[cell.slug], self.most)

    @property
    def controls(self) -> list[Cell]:
        """The cells that are the base on both sides."""
        return [cell for cell in self.plan.cells if cell.kind == "control"]

    def control_duels(self, stage: Stage) -> list[PairedRound]:
        """The rounds of all controls."""
        return [each for cell in self.controls for each in self.duels[cell.slug] if each.stage == stage]

    def control_stage(self, cells: int) -> Stage:
        """That of the next round of a control: the confirmation, once all cells are done and the controls seem off.

        They are looked at no sooner, for how many rounds they have by then depends on the other cells alone.
        """
        if self.control_duels("confirm"):
            return "confirm"
        ready = not cells and len(self.control_duels("screen")) >= FEWEST_CONTROLS
        return "confirm" if ready and off(pooled(control_rounds(self.controls, self.duels, "screen"))) else "screen"

    def _oracle(self, cell: Cell) -> Oracle:
        """The same for all arms of a race."""
        workload = catalogue.workloads()[cell.arm.workload]
        setting = cell.arm.setting
        key = repr((cell.arm.workload, {**vars(setting), "mode": "", "device": "", "watch": ""}))
        if key not in self.oracles:
            self.oracles[key] = workload.oracle(workload.problem(setting), setting)
        return self.oracles[key]


def conduct(plan: GatePlan, ledger: GateStore, *, budget: float, most: int) -> Generator[Progress, None, None]:
    """Does what is missing of a gate.

    budget  seconds after which no further round is started
    most    rounds of each stage, after which a cell stays unresolved

    Raises WriteError when a file cannot be written, StoreError when one cannot be read or another process writes there.
    """
    begin, everywhere = clock.now(), allowed_cores()
    with ExitStack() as stack:
        stack.enter_context(ledger.store.alone())
        stack.callback(os.sched_setaffinity, 0, everywhere)
        servers = stack.enter_context(Servers(ledger.path / "logs" / "servers.log", everywhere, plan.limit))
        course = _Course(
            plan, ledger, most, everywhere, {cell.slug: ledger.duels(cell) for cell in plan.cells}, servers
        )
        for doing in _counted(course):
            yield Progress(doing, clock.now() - begin, clock.now() - begin + _forecast(course))
        for doing in _raced(course, begin + budget):
            elapsed = clock.now() - begin
            yield Progress(doing, elapsed, min(max(budget, elapsed), elapsed + _forecast(course)))


def _forecast(course: _Course) -> float:
    """Seconds that the open cells will take, if they need as many rounds as most."""
    cells = sum(_rounds_left(course, cell) * (_pace(course, cell) or GUESS) for cell in course.plan.cells)
    return cells + max(0, FEWEST_CONTROLS - len(course.control_duels("screen"))) * GUESS


def _rounds_left(course: _Course, cell: Cell) -> int:
    """About how many rounds a cell still needs; one more than it has, when it has more than most."""
    stage = course.standing(cell).next if cell.kind == "raced" else None
    return max(1, USUAL - sum(each.stage == stage for each in course.duels[cell.slug])) if stage else 0


def _counted(course: _Course) -> Iterator[str]:
    """The first tier: every cell that is raced and has not been counted; a round says why where a device is not here."""
    gpus = bool(environment.gpus())
    able = [cell for cell in course.plan.cells if cell.kind == "raced" and (gpus or cell.arm.setting.device != "cuda")]
    # what could not be counted may have met a bad moment: whoever goes on with a gate tries it once more
    missing = [cell for cell in able if (found := course.ledger.counts(cell)) is None or found.reason]
    for number, cell in enumerate(missing, 1):
        yield f"counting {number} of {len(missing)}: {cell.arm.name}"
        origins = course.origins(cell)
        both = {"base": origins["base"][0], "again": origins["base"][1], "head": origins["head"][0]}
        found = count(
            cell,
            both,
            cores=course.everywhere[-cell.arm.setting.threads :],
            everywhere=course.everywhere,
            cache=course.ledger.path.resolve() / "cache" / "counts" / cell.slug,
            log=course.ledger.path / "logs" / cell.slug / "counts",
            limit=course.plan.limit,
            more=STEADY,
        )
        course.ledger.write_counts(cell, found)


def _raced(course: _Course, end: float) -> Iterator[str]:
    """The second tier: one round of every open cell after the other, over and over, in fresh orders.

    So each cell's rounds lie far apart, and a bad minute of the machine meets all cells and no cell twice.
    """
    turn = 0
    while True:
        turn += 1
        cells = [cell for cell in course.plan.cells if cell.kind == "raced" and course.standing(cell).next]
        due, stage = _controls(course, len(cells)), course.control_stage(len(cells))
        if not cells and not due:
            return
        order = random.Random(f"{course.plan.seed} turn {turn} {len(cells)}")
        for cell in order.sample(cells + due, len(cells + due)):
            if clock.now() + _pace(course, cell) > end:
                return
            yield from _round(course, cell, stage if cell.kind == "control" else course.standing(cell).next)


def _controls(course: _Course, cells: int) -> list[Cell]:
    """The controls that have a round in this turn, beside so many open cells: those that had the fewest so far."""
    stage = course.control_stage(cells)
    screened, done = len(course.control_duels("screen")), len(course.control_duels(stage))
    if cells:
        wanted = min(max(1, cells // CELLS_A_CONTROL), MOST_CONTROLS - done)
    else:
        wanted = (FEWEST_CONTROLS if stage == "screen" else max(FEWEST_CONTROLS, screened)) - done
    return sorted(course.controls, key=lambda cell: len(course.duels[cell.slug]))[: max(0, wanted)]


def _pace(course: _Course, cell: Cell) -> float:
    """About how long the cell's next round takes; 0 where nobody knows."""
    return fmean(each.seconds for each in course.duels[cell.slug]) if course.duels[cell.slug] else 0.0


def _round(course: _Course, cell: Cell, stage: Stage | None) -> Iterator[str]:
    done = course.duels[cell.slug]
    if stage is None:
        return
    number = 1 + max((each.round for each in done if each.stage == stage), default=0)
    for found in run_round(course.setup(cell), stage, number, known_block(done)):
        if isinstance(found, PairedRound):
            course.ledger.write_duel(cell, found)
            done.append(found)
        else:
            word = "control" if cell.kind == "control" else stage
            yield f"{word} {number}, {cell.arm.name}: {found}"
