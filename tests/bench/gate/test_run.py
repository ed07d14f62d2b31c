"""The course of a gate: which rounds are raced, in which stage, until when. Its duels are made up: their order matters."""

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
from bench.runner.arm_run import Block
from bench.system import environment
from tests.bench.gate.samples import Machine, cell, plan

Change = Callable[[CellSetup, Stage], float]
Gate = Callable[[Change], tuple[GateStore, GateVerdict]]


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gate:
    """A gate of two arms and two controls, each round of which has the change that it is told."""

    def carried_out(change: Change) -> tuple[GateStore, GateVerdict]:
        machine, asked = Machine(3, process=0.004), small()
        ledger = GateStore(Store(tmp_path))
        ledger.write_plan(asked)
        for each in asked.cells:
            ledger.write_counts(each, Counts())

        def run_round(setup: CellSetup, stage: Stage, number: int, known: Block | None) -> Iterator[str | PairedRound]:
            yield "racing"
            yield machine.duel(setup.cell, stage, number, change(setup, stage))

        monkeypatch.setattr(run, "run_round", run_round)
        for _ in run.conduct(asked, ledger, budget=300.0, most=20):
            pass
        return ledger, verdict(asked, {each.slug: ledger.duels(each) for each in asked.cells}, {})

    return carried_out


def small() -> GatePlan:
    """Two arms that are raced, two that are controls."""
    asked = plan(*map(cell, ARMS), *(cell(name, "control") for name in ("linear/in_place", "linear/numpy")))
    sides = ("sides/0", "sides/1")
    return replace(asked, base=replace(asked.base, copies=sides), head=replace(asked.head, copies=sides))


ARMS = ("linear/manual", "linear/no_grad")


def stages(ledger: GateStore) -> list[Stage]:
    """Of all rounds of controls."""
    return [each.stage for of in ledger.plan().cells if of.kind == "control" for each in ledger.duels(of)]


def test_controls_that_are_on_are_not_raced_again(gate: Gate) -> None:
    """Six rounds of them, and the gate is over."""
    ledger, found = gate(lambda setup, stage: 0.0)
    assert (found.word, found.complete) == ("ok", True)
    assert stages(ledger) == ["screen"] * 6


def test_controls_that_seem_off_are_raced_again_before_they_veto(gate: Gate) -> None:
    """Off at first and not in as many fresh rounds: the clock is believed, and what is told comes from those."""
    ledger, found = gate(lambda setup, stage: 0.03 * (setup.cell.kind == "control" and stage == "screen"))
    assert found.word == "ok"
    assert stages(ledger).count("confirm") == stages(ledger).count("screen") == 6
    assert found.controls.clocked is not None
    assert found.controls.clocked.change < 0.01


def test_controls_that_are_off_twice_veto(gate: Gate) -> None:
    """The same in fresh rounds: no clock is believed."""
    ledger, found = gate(lambda setup, stage: 0.03 * (setup.cell.kind == "control"))
    assert (found.word, found.controls.vetoes) == ("unmeasured", True)
    assert stages(ledger).count("confirm") == 6


def test_what_is_suspect_is_confirmed_by_rounds_of_its_own(gate: Gate) -> None:
    """An arm that is slower has as many rounds of both stages as it takes, and the other none of the second."""
    ledger, found = gate(
        lambda setup, stage: 0.1 * (setup.cell.arm.implementation == ARMS[0] and setup.cell.kind == "raced")
    )
    assert [each.word for each in found.cells] == ["regressed", "ok"]
    slow, same = ([each.stage for each in ledger.duels(cell(name))] for name in ARMS)
    assert slow == ["screen"] * 4 + ["confirm"] * 4
    assert set(same) == {"screen"}


@pytest.mark.parametrize(("gpus", "looked_at"), [((), ["cpu"]), (({"name": "H200"},), ["cpu", "cuda"])])
def test_counters_of_a_device_that_is_not_here_are_not_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gpus: tuple[Any, ...], looked_at: list[str]
) -> None:
    """Three workers would start for each such arm only to say that it is missing; its first round says so anyway."""
    here, away = cell("linear/manual"), cell("linear/manual")
    away = replace(away, arm=replace(away.arm, setting=dataclasses.replace(away.arm.setting, device="cuda")))
    asked, sides = plan(here, away), ("sides/0", "sides/1")
    asked = replace(asked, base=replace(asked.base, copies=sides), head=replace(asked.head, copies=sides))
    ledger = GateStore(Store(tmp_path))
    ledger.write_plan(asked)
    seen: list[str] = []

    def count(of: Cell, *_: Any, **__: Any) -> Counts:
        seen.append(of.arm.setting.device)
        return Counts()

    monkeypatch.setattr(environment, "gpus", lambda: gpus)
    monkeypatch.setattr(run, "count", count)
    for _ in run.conduct(asked, ledger, budget=0.0, most=20):
        pass
    assert seen == looked_at
