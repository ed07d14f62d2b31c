"""One round of one cell: fresh processes of both sides on the same core, and blocks of both in every lap.

Two arms race here, and in `bench/runner/race.py` many. Blocks are shorter, and nothing but the code may differ between the
sides, down to the length of a path.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from select import select

from bench import clock
from bench.processes import memory_layout
from bench.processes.fork_servers import Servers
from bench.processes.worker_process import Origin
from bench.results.gate import ROLES, Cell, GatePlan, PairedRound, Role, Stage
from bench.results.gate_store import GateStore
from bench.runner.arm_run import ArmRun
from bench.runner.block import Block, block_of
from bench.runner.laps import LEAST_LAPS, LONGEST, pause_of
from bench.runner.setup import Setup
from bench.system import environment
from impls.contract import Oracle

BLOCK_SECONDS = 0.003
FEWEST_LAPS, MOST_LAPS = 11, 250  # fewer where these would take LONGEST times as long as the laps of a round may
PHASES = 0.6  # of the time of the laps of a round is spent again on laps that are timed by phases
STRETCHES = 4  # of laps in a round, where each has FEWEST_LAPS


@dataclass(frozen=True)
class CellSetup:
    """What all rounds of a cell have in common.

    origins     of each role, its two copies; both roles of a control have those of the base
    oracle      what all answers are judged by; None of a step, whose answers are judged when it is counted
    cores       the arms are pinned to them; the main process is elsewhere where it can be
    everywhere  the cores that a worker may start on
    servers     what forks the workers, where they can be forked
    """

    plan: GatePlan
    store: GateStore
    cell: Cell
    origins: Mapping[Role, Sequence[Origin]]
    oracle: Oracle | None
    cores: Sequence[int]
    everywhere: Sequence[int]
    servers: Servers

    def of(self, role: Role, origin: Origin, variables: Mapping[str, str]) -> Setup:
        """What the worker of a side is started with."""
        side = self.plan.side("base" if self.cell.kind == "control" else role)
        file = side.steps.get(self.cell.arm.workload)
        return Setup(
            self.cores,
            self.everywhere,
            self.plan.limit,
            variables,
            file=str(origin.folder / file) if file else "",
            origin=origin,
        )


def run_round(setup: CellSetup, stage: Stage, number: int, known: Block | None) -> Iterator[str | PairedRound]:
    """One round: yields what is being done, and last the round. An arm that ends, ends this round only.

    known  the block of this cell's earlier rounds: all have the same number of updates; None calibrates it
    """
    begin, started = clock.now(), clock.today()
    before = environment.Pressure.now()
    order = random.Random(f"{setup.plan.seed} {setup.cell.slug} {stage} {number}")
    copies = (order.randrange(2), order.randrange(2))
    if setup.cell.kind == "control":
        copies = (copies[0], 1 - copies[0])
    origins = {role: setup.origins[role][copies[ROLES.index(role)]] for role in ROLES}
    layout = memory_layout.random_layout(order)
    arm_runs: dict[Role, ArmRun] = {role: ArmRun(setup.cell.arm_on(role), setup.oracle) for role in ROLES}
    spent = {"start": 0.0, "blocks": 0.0}
    with ExitStack() as stack:
        yield "starting both sides"
        place = setup.servers.begin_round(setup.cell.arm, [origin.python for origin in origins.values()], order)
        layout |= place.fixed if place else {}
        with memory_layout.fixed_addresses():
            for role in order.sample(ROLES, 2):
                arm_runs[role].start(
                    stack,
                    setup.of(role, origins[role], layout),
                    log=setup.store.log(setup.cell, stage, number, role),
                    cache=setup.store.cache(setup.cell, role),
                    server=place.live[origins[role].python] if place else None,
                )
        starting = list(arm_runs.values())
        while starting:
            select(starting, [], [], 1.0)
            starting = [arm_run for arm_run in starting if not arm_run.started(wait=0.0)]
        spent["start"] = clock.now() - begin
        yield "racing"
        block = _block(setup, arm_runs, known)
        if block is not None:
            spent["blocks"] = _laps(setup, arm_runs, order, block, setup.plan.lap_seconds, ArmRun.sample)
            if setup.cell.phased:
                yield "racing, phase by phase"
                seconds = PHASES * setup.plan.lap_seconds
                spent["phases"] = _laps(setup, arm_runs, order, block, seconds, ArmRun.sample_phases)
        for arm_run in arm_runs.values():
            arm_run.finish()
    setup.servers.learn([arm_run.loaded for arm_run in arm_runs.values()])
    seconds = clock.now() - begin
    caveats = environment.caveats_between(before, environment.Pressure.now(), seconds)
    base, head = (
        arm_runs[role].record(
            run=setup.plan.run, number=number, started=started, caveats=caveats, round_seconds=seconds, spent=spent
        )
        for role in ROLES
    )
    yield PairedRound(
        stage=stage,
        round=number,
        base=base,
        head=head,
        copies=copies,
        seconds=seconds,
        phases=_phases(arm_runs) if setup.cell.phased else {},
    )


def _block(setup: CellSetup, arm_runs: Mapping[Role, ArmRun], known: Block | None) -> Block | None:
    """The block of both sides; None where they cannot be compared, and need not be timed."""
    if not all(arm_run.live for arm_run in arm_runs.values()):
        return None
    return known or arm_runs["base"].calibrate(BLOCK_SECONDS, pause_of(len(setup.cores)))


def _phases(arm_runs: Mapping[Role, ArmRun]) -> dict[str, dict[Role, tuple[float, ...]]]:
    """Seconds of each phase in each lap, of both sides; a phase that a side does not show is left out."""
    base, head = (arm_runs[role].phases for role in ROLES)
    laps = [*base, *head] if len(base) == len(head) else []
    shown = [name for name in (laps[0] if laps else ()) if all(name in lap for lap in laps)]
    return {name: {role: tuple(lap[name] for lap in arm_runs[role].phases) for role in ROLES} for name in shown}


def _laps(
    setup: CellSetup,
    arm_runs: Mapping[Role, ArmRun],
    order: random.Random,
    block: Block,
    seconds: float,
    sample: Callable[[ArmRun, int], float],
) -> float:
    """Samples both sides once a lap, for about so many seconds in all, and returns the seconds of all blocks.

    Which side comes first is drawn for every other lap; the lap after it has the other order. Laps come in stretches.
    Before each, both sides go back to the start, and what they allocate gets pages that nobody had before: how pages share
    a cache is worth as much as the noise of all laps, and lasts for as long as the pages are kept.
    """
    pause, wanted = pause_of(len(setup.cores)), seconds / 2
    fewest = max(LEAST_LAPS, min(FEWEST_LAPS, int(LONGEST * wanted / block.seconds)))
    laps = max(fewest, min(MOST_LAPS, int(wanted / (block.seconds + pause))))
    stretches = max(1, min(STRETCHES, laps // FEWEST_LAPS))
    length, spent = laps // stretches, 0.0
    for before in range(0, length * stretches, length):
        for role in order.sample(ROLES, 2):  # whoever comes second may get the pages that the first one gave back
            arm_runs[role].start_laps(block, every=1)
        roles = order.sample(ROLES, 2)
        for lap in range(length + 1):
            roles = roles[::-1] if lap % 2 else order.sample(ROLES, 2)
            for role in roles:
                clock.pause(pause)
                spent += sample(arm_runs[role], before + lap if lap else 0)
    return spent


def known_block(rounds: Sequence[PairedRound]) -> Block | None:
    """The block that the rounds of a cell have had so far; None before the first."""
    return next((block for one in rounds if (block := block_of(one.base))), None)
