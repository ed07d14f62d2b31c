"""Our own gate in a trial: one cell whose two sides are given folders, raced as in any gate but without counters."""

import random
import shutil
from collections.abc import Callable
from statistics import fmean

from bench import clock
from bench.gate.paired_round import CellSetup, known_block, run_round
from bench.gate.plan import LAP_SECONDS, MOST
from bench.gate.rule.verdict import logarithm, standing
from bench.processes.fork_servers import Servers
from bench.processes.worker_process import ArmFault, Origin
from bench.results.gate import ROLES, Cell, GatePlan, Margins, PairedRound, Role, Side
from bench.results.gate_store import GateStore
from bench.results.record import Arm
from bench.results.store import Store
from bench.selfbench.gate_score import Outcome
from bench.selfbench.gate_trial import LIMIT, TrialSetup
from impls.contract import Oracle, catalogue


def own_gate(margins: Margins | None = None, *, until_budget: bool = False) -> Callable[[TrialSetup], Outcome]:
    """A function that carries out a trial with our gate; the margins are a gate's usual ones unless given.

    until_budget  whether it races on after the decision, until its budget is over: then the decisions on the same rounds,
                  made slower, can be computed
    """
    chosen, oracles = margins or Margins(), dict[Arm, Oracle]()

    def outcome(setup: TrialSetup) -> Outcome:
        if setup.arm not in oracles:
            workload = catalogue.workloads()[setup.arm.workload]
            oracles[setup.arm] = workload.oracle(workload.problem(setup.arm.setting), setup.arm.setting)
        return _outcome(setup, oracles[setup.arm], chosen, until_budget)

    return outcome


def _outcome(setup: TrialSetup, oracle: Oracle, margins: Margins, until_budget: bool) -> Outcome:
    """Races rounds until the cell is decided, or another round would not end within the budget."""
    begin, store = clock.now(), GateStore(Store(setup.scratch / "gate"))
    cell = Cell(arm=setup.arm, kind="raced", margins=margins)
    plan = GatePlan(
        run="score",
        command="",
        seed=random.Random(setup.seed).getrandbits(32),
        base=Side(role="base", name="unchanged"),
        head=Side(role="head", name="slowed down"),
        cells=(cell,),
        budget=setup.budget,
        most=MOST,
        limit=LIMIT,
        lap_seconds=LAP_SECONDS,
    )
    rounds = list[PairedRound]()
    with Servers(store.path / "logs" / "servers.log", setup.everywhere, LIMIT) as servers:
        of_cell = CellSetup(plan, store, cell, _lay_out(setup, store), oracle, setup.cores, setup.everywhere, servers)
        while (stage := standing(cell, rounds, MOST).next) is not None or (until_budget and rounds):
            if rounds and clock.now() + fmean(paired.seconds for paired in rounds) > begin + setup.budget:
                break
            steps = run_round(of_cell, stage or "screen", 1 + len(rounds), known_block(rounds))
            rounds += [step for step in steps if isinstance(step, PairedRound)]
    for role, record in standing(cell, rounds, MOST).ended.items():
        raise ArmFault("failed", f"{setup.arm.name} on the {role}: {record.reason}")
    return Outcome(
        margins=margins,
        rounds=tuple(value for paired in rounds if (value := logarithm(paired)) is not None),
        seconds=clock.now() - begin,
    )


def _lay_out(setup: TrialSetup, store: GateStore) -> dict[Role, tuple[Origin, Origin]]:
    """Two copies of each side, in folders whose names do not show the side."""
    numbers = random.Random(setup.seed).sample(range(4), 4)
    origins = {}
    for role, pair in zip(ROLES, (numbers[:2], numbers[2:]), strict=True):
        places = [store.path.resolve() / "sides" / str(number) for number in pair]
        for place in places:
            shutil.copytree(setup.sides[role], place)
        first, second = (Origin(folder=place, path=(setup.instrument.resolve(), place)) for place in places)
        origins[role] = (first, second)
    return origins
