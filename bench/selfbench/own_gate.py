"""Our own gate as one of those that a sitting asks: one cell of two given folders, raced as in any gate.

Apart from conduct.py, which carries out gates of many cells with their counters: here the clock alone decides, as elsewhere.
"""

import random
import shutil
from collections.abc import Callable
from statistics import fmean

from bench import clock
from bench.gate.fork_servers import Servers
from bench.gate.paired_round import CellSetup, known_block, run_round
from bench.gate.plan import LAP_SECONDS, MOST
from bench.gate.rule.verdict import logarithm, standing
from bench.results.gate import ROLES, Cell, GatePlan, Margins, PairedRound, Role, Side
from bench.results.gate_store import GateStore
from bench.results.record import Arm
from bench.results.store import Store
from bench.runner.worker_process import ArmFault, Origin
from bench.selfbench.gate_score import Outcome
from bench.selfbench.gate_trial import LIMIT, Match
from impls.contract import Oracle, catalogue


def entrant(margins: Margins | None = None, *, whole: bool = False) -> Callable[[Match], Outcome]:
    """What a sitting asks for our gate's word; by default with the margins that a gate has by default.

    whole  whether it races until its budget is over, decided or not: so its word on the same rounds, made slower, is known
    """
    asked, oracles = margins or Margins(), dict[Arm, Oracle]()

    def ours(match: Match) -> Outcome:
        if match.arm not in oracles:
            workload = catalogue.workloads()[match.arm.workload]
            oracles[match.arm] = workload.oracle(workload.problem(match.arm.setting), match.arm.setting)
        return _outcome(match, oracles[match.arm], asked, whole)

    return ours


def _outcome(match: Match, oracle: Oracle, margins: Margins, whole: bool) -> Outcome:
    """Rounds until the cell is decided, or another one would not end within the budget."""
    begin, ledger = clock.now(), GateStore(Store(match.scratch / "gate"))
    cell = Cell(arm=match.arm, kind="raced", margins=margins)
    plan = GatePlan(
        run="score",
        command="",
        seed=random.Random(match.seed).getrandbits(32),
        base=Side(role="base", name="as it is"),
        head=Side(role="head", name="planted"),
        cells=(cell,),
        budget=match.budget,
        most=MOST,
        limit=LIMIT,
        lap_seconds=LAP_SECONDS,
    )
    duels = list[PairedRound]()
    with Servers(ledger.path / "logs" / "servers.log", match.everywhere, LIMIT) as servers:
        setup = CellSetup(plan, ledger, cell, _laid_out(match, ledger), oracle, match.cores, match.everywhere, servers)
        while (stage := standing(cell, duels, MOST).next) is not None or (whole and duels):
            if duels and clock.now() + fmean(each.seconds for each in duels) > begin + match.budget:
                break
            rounds = run_round(setup, stage or "screen", 1 + len(duels), known_block(duels))
            duels += [each for each in rounds if isinstance(each, PairedRound)]
    for role, record in standing(cell, duels, MOST).ended.items():
        raise ArmFault("failed", f"{match.arm.name} on the {role}: {record.reason}")
    return Outcome(
        margins=margins,
        rounds=tuple(value for each in duels if (value := logarithm(each)) is not None),
        seconds=clock.now() - begin,
    )


def _laid_out(match: Match, ledger: GateStore) -> dict[Role, tuple[Origin, Origin]]:
    """Two copies of each side, in folders whose names say nothing."""
    names = random.Random(match.seed).sample(range(4), 4)
    found = {}
    for role, (one, other) in zip(ROLES, (names[:2], names[2:]), strict=True):
        places = (ledger.path.resolve() / "sides" / str(one), ledger.path.resolve() / "sides" / str(other))
        for place in places:
            shutil.copytree(match.sides[role], place)
        first, second = (Origin(folder=place, path=(match.instrument.resolve(), place)) for place in places)
        found[role] = (first, second)
    return found
