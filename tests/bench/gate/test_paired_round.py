"""A round of a cell: what both sides have in common, and what is new in the next round; with real processes."""

import random
from collections.abc import Mapping
from types import SimpleNamespace
from typing import cast

import pytest

from bench.gate.paired_round import STRETCHES, CellSetup, _laps, known_block, run_round
from bench.processes import memory_layout
from bench.processes.fork_servers import Servers
from bench.processes.worker_process import HERE, allowed_cores
from bench.results.gate import ROLES, Cell, Margins, PairedRound, Role
from bench.results.gate_store import GateStore
from bench.results.record import Arm
from bench.results.store import Store
from bench.runner.arm_run import ArmRun
from bench.runner.block import Block
from impls.contract.catalogue import workloads
from tests.bench.gate.samples import plan

ARM = Arm(
    workload="linear/line", implementation="linear/in_place", setting=workloads()["linear/line"].setting(rows=1000)
)


@pytest.fixture(scope="module")
def rounds(tmp_path_factory: pytest.TempPathFactory) -> list[PairedRound]:
    """Two rounds of the checkout against itself."""
    cell = Cell(arm=ARM, kind="raced", margins=Margins())
    workload = workloads()[ARM.workload]
    ledger, cores = GateStore(Store(tmp_path_factory.mktemp("gate"))), allowed_cores()
    setup = CellSetup(
        plan(cell),
        ledger,
        cell,
        {"base": (HERE, HERE), "head": (HERE, HERE)},
        workload.oracle(workload.problem(ARM.setting), ARM.setting),
        cores[-1:],
        cores,
        Servers(ledger.path / "servers.log", cores, 60.0),
    )
    duels = list[PairedRound]()
    with setup.servers:
        for number in (1, 2):
            duels += [
                one for one in run_round(setup, "screen", number, known_block(duels)) if isinstance(one, PairedRound)
            ]
    return duels


def test_both_sides_of_a_round_get_one_draw_and_each_round_another(rounds: list[PairedRound]) -> None:
    """So the effect of a memory layout on speed cancels in the ratio, and is not the same in all rounds."""
    layouts = [{record.variables[memory_layout.VARIABLE] for record in (one.base, one.head)} for one in rounds]
    assert [len(one) for one in layouts] == [1, 1]
    assert layouts[0] != layouts[1]


def test_both_sides_of_a_round_have_the_hashes_of_their_server_and_the_next_round_another(
    rounds: list[PairedRound],
) -> None:
    """An interpreter reads its hash seed as it starts; live servers are used in turn."""
    hashes = [{record.variables[memory_layout.HASHES] for record in (one.base, one.head)} for one in rounds]
    assert [len(one) for one in hashes] == [1, 1]
    assert hashes[0] != hashes[1]


def test_all_rounds_make_the_same_number_of_updates_in_a_block(rounds: list[PairedRound]) -> None:
    """The first round calibrates the block, on the base."""
    assert len({record.updates_per_block for one in rounds for record in (one.base, one.head)}) == 1


def test_both_sides_are_timed_in_the_same_laps_and_judged(rounds: list[PairedRound]) -> None:
    """A ratio compares blocks that were timed one after the other, and both answers are judged."""
    for one in rounds:
        assert (one.base.status, one.head.status) == ("ok", "ok")
        assert one.base.laps == one.head.laps
        assert [judged.when for judged in one.head.judgements] == ["first update", "probe", "blocks"]


def test_a_round_goes_back_to_the_start_before_each_stretch_of_laps(rounds: list[PairedRound]) -> None:
    """So no single choice of pages decides a round; the last judged answer is that of the last stretch."""
    for record in (record for one in rounds for record in (one.base, one.head)):
        timed = (record.updates_per_block or 0) * len(record.laps) / STRETCHES
        assert timed < record.judgements[-1].updates < 2 * timed


def test_which_side_goes_back_first_is_drawn_for_each_stretch() -> None:
    """The second side may get the pages that the first gave back; a fixed order would favour one side."""
    back = list[Role]()

    class Noted:
        """An arm run that only records which side goes back to the start."""

        live = True

        def __init__(self, role: Role) -> None:
            self.role = role

        def start_laps(self, block: Block, *, every: int) -> None:
            """Recorded."""
            back.append(self.role)

    setup = cast(CellSetup, SimpleNamespace(cores=(0,)))
    for seed in range(4):
        arm_runs = cast(Mapping[Role, ArmRun], {role: Noted(role) for role in ROLES})
        _laps(setup, arm_runs, random.Random(seed), Block(1, 0.01), 1.0, lambda *_: 0.0)
    pairs = list(zip(back[::2], back[1::2], strict=True))
    assert len(pairs) == 4 * STRETCHES
    assert {("base", "head"), ("head", "base")} == set(pairs)


def test_every_lap_of_a_round_has_a_number_of_its_own(rounds: list[PairedRound]) -> None:
    """Blocks of the two sides are paired by the number of their lap, in whatever stretch."""
    for one in rounds:
        assert list(one.base.laps) == list(range(1, len(one.base.laps) + 1))
