"""The course of a gate: which rounds are raced, in which stage, until when. The times of the rounds are made up."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bench.gate import run
from bench.gate.paired_round import CellSetup
from bench.gate.rule.verdict import verdict
from bench.results.gate import Cell, Counts, GatePlan, GateVerdict, PairedRound, Stage
from bench.results.gate_store import GateStore
from bench.results.store import Store
from bench.runner.block import Block
from bench.system import environment
from tests.bench.gate.samples import Machine, cell, plan

Change = Callable[[CellSetup, Stage], float]
Gate = Callable[[Change], tuple[GateStore, GateVerdict]]


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gate:
    """A function that runs a gate of two arms and two controls, whose rounds have the changes that it is given."""

    def run_with(change: Change) -> tuple[GateStore, GateVerdict]:
        machine, plan = Machine(3, process=0.004), small()
        store = GateStore(Store(tmp_path))
        store.write_plan(plan)
        for each in plan.cells:
            store.write_counts(each, Counts())

        def run_round(setup: CellSetup, stage: Stage, number: int, known: Block | None) -> Iterator[str | PairedRound]:
            yield "racing"
            yield machine.round(setup.cell, stage, number, change(setup, stage))

        monkeypatch.setattr(run, "run_round", run_round)
        for _ in run.run(plan, store, budget=300.0, most=20):
            pass
        return store, verdict(plan, {cell.slug: store.rounds(cell) for cell in plan.cells}, {})

    return run_with


def small() -> GatePlan:
    """Two arms that are raced, two that are controls."""
    return with_copies(plan(*map(cell, ARMS), *(cell(name, "control") for name in ("linear/in_place", "linear/numpy"))))


def with_copies(plan: GatePlan) -> GatePlan:
    """The plan with folders for its sides."""
    sides = ("sides/0", "sides/1")
    return replace(plan, base=replace(plan.base, copies=sides), head=replace(plan.head, copies=sides))


ARMS = ("linear/manual", "linear/no_grad")


def stages(store: GateStore) -> list[Stage]:
    """The stages of all rounds of controls."""
    controls = [cell for cell in store.plan().cells if cell.kind == "control"]
    return [paired.stage for cell in controls for paired in store.rounds(cell)]


def test_controls_that_are_on_are_not_raced_again(gate: Gate) -> None:
    """Six rounds of them, and the gate is over."""
    store, result = gate(lambda setup, stage: 0.0)
    assert (result.word, result.complete) == ("ok", True)
    assert stages(store) == ["screen"] * 6


def test_controls_that_seem_off_are_raced_again_before_they_veto(gate: Gate) -> None:
    """Off at first and not in as many fresh rounds: times are believed, and the fresh rounds are reported."""
    store, result = gate(lambda setup, stage: 0.03 * (setup.cell.kind == "control" and stage == "screen"))
    assert result.word == "ok"
    assert stages(store).count("confirm") == stages(store).count("screen") == 6
    assert result.controls.clocked is not None
    assert result.controls.clocked.change < 0.01


def test_controls_that_are_off_twice_veto(gate: Gate) -> None:
    """The same in fresh rounds: no measured time is believed."""
    store, result = gate(lambda setup, stage: 0.03 * (setup.cell.kind == "control"))
    assert (result.word, result.controls.vetoes) == ("unmeasured", True)
    assert stages(store).count("confirm") == 6


def test_what_is_suspect_is_confirmed_by_rounds_of_its_own(gate: Gate) -> None:
    """An arm that is slower has rounds of both stages, and one that is not has none of the second."""
    store, result = gate(
        lambda setup, stage: 0.1 * (setup.cell.arm.implementation == ARMS[0] and setup.cell.kind == "raced")
    )
    assert [cell.word for cell in result.cells] == ["regressed", "ok"]
    slow, same = ([paired.stage for paired in store.rounds(cell(name))] for name in ARMS)
    assert slow == ["screen"] * 4 + ["confirm"] * 4
    assert set(same) == {"screen"}


@pytest.mark.parametrize(("gpus", "expected"), [((), ["cpu"]), (({"name": "H200"},), ["cpu", "cuda"])])
def test_counters_of_a_device_that_is_not_here_are_not_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gpus: tuple[Any, ...], expected: list[str]
) -> None:
    """Without a GPU no worker is started to count an arm on it; its first round says why it cannot run."""
    cpu = cell("linear/manual")
    cuda = replace(cpu, arm=replace(cpu.arm, setting=dataclasses.replace(cpu.arm.setting, device="cuda")))
    asked = with_copies(plan(cpu, cuda))
    store = GateStore(Store(tmp_path))
    store.write_plan(asked)
    counted: list[str] = []

    def count(cell: Cell, *_: Any, **__: Any) -> Counts:
        counted.append(cell.arm.setting.device)
        return Counts()

    monkeypatch.setattr(environment, "gpus", lambda: gpus)
    monkeypatch.setattr(run, "count", count)
    for _ in run.run(asked, store, budget=0.0, most=20):
        pass
    assert counted == expected
