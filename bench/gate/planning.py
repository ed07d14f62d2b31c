"""Decides which cells a gate has, before anything is measured: raced, identical, new, missing, and the controls.

Apart from bench/plan.py, whose choice of arms it takes over: what differs between the sides is a question of the gate.
Runs where `impls` is the head's.
"""

import secrets
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from bench import environment
from bench.gate.closure import closure, differing, names
from bench.gate.margins import TABLE, Rules
from bench.gate.preflight import difference
from bench.gate.sides import Prepared
from bench.gate.verdict import Cell, GatePlan, Kind, Side
from bench.plan import Choice, make_plan
from bench.record import Arm
from impls import catalogue

CONTROLS = 3
LAP_SECONDS = 1.0  # of racing in each round: longer ones cost more than they tell, for processes differ more than laps
MOST = 20  # rounds of each stage


def make_gate_plan(
    choice: Choice,
    prepared: Prepared,
    rules: Rules,
    target: Path,
    *,
    run: str,
    command: str,
    budget: float,
    everything: bool = False,
    margins_differ: bool = False,
) -> GatePlan:
    """Every cell that the choice asks for.

    target      the gate's folder, which holds the sides
    everything  whether cells are raced that are identical on both sides, too
    margins_differ    whether the head's margins are not the base's

    Raises SettingError or UnknownNameError, with the cure, for what cannot be.
    """
    base, head = prepared.base, prepared.head
    apart = base.versions != head.versions
    arms = _arms(choice, command)
    cells = [_cell(arm, base, head, rules, target, apart or everything) for arm in arms]
    named = choice.implementation != Choice.implementation
    cells += [] if named else _missing(arms, base, head, rules, target)
    notes = (*prepared.notes, *difference(base, head), *rules.notes(arms))
    notes += (f"the head changes [{TABLE}] in pyproject.toml; its margins count",) if margins_differ else ()
    return GatePlan(
        run=run,
        command=command,
        seed=secrets.randbits(32),
        base=base,
        head=head,
        cells=(*cells, *_controls(cells)),
        budget=budget,
        most=MOST,
        limit=choice.limit,
        lap_seconds=LAP_SECONDS,
        named=named,
        notes=notes,
    )


def usual_workloads() -> list[str]:
    """What a gate races where nobody said: the usual one, or all that a project of its own has."""
    found = catalogue.workloads()
    return [name for name in Choice.workload if name in found] or list(found)


def _arms(choice: Choice, command: str) -> list[Arm]:
    """The arms of a run like this, each once and by itself: no twin, no floor unless it was named, nothing drawn."""
    plan = make_plan(choice, command=command)
    named = set(catalogue.match_implementations(choice.implementation))
    whole = choice.implementation == Choice.implementation
    found = {
        (arm.label, race.slug): replace(arm, role="arm")
        for race in plan.races
        for arm in race.arms
        if arm.role != "twin"
        and arm.implementation in named
        and not (whole and catalogue.implementations()[arm.implementation].work == "floor")
    }
    return list(found.values())


def _cell(arm: Arm, base: Side, head: Side, rules: Rules, target: Path, anyway: bool) -> Cell:
    """What there is to do about one arm."""
    tops = [target / side.copies[0] for side in (base, head)]
    if arm.implementation not in names(tops[0] / base.folder):
        return Cell(arm=arm, kind="new", margins=rules.of(arm))
    made_of = (closure(top / head.folder, arm.workload, arm.implementation, top) for top in tops)
    differs = differing(*made_of)
    kind: Kind = "raced" if differs or anyway else "identical"
    return Cell(arm=arm, kind=kind, margins=rules.of(arm), differs=differs)


def _missing(arms: Sequence[Arm], base: Side, head: Side, rules: Rules, target: Path) -> list[Cell]:
    """The implementations that only the base has, each at the setting of the first arm of its family."""
    gone = names(target / base.copies[0] / base.folder) - names(target / head.copies[0] / head.folder)
    found = []
    for name in sorted(gone):
        model = next((arm for arm in arms if arm.implementation.partition("/")[0] == name.partition("/")[0]), None)
        if model is not None:
            arm = replace(model, implementation=name)
            found.append(Cell(arm=arm, kind="missing", margins=rules.of(arm)))
    return found


def _controls(cells: Sequence[Cell]) -> list[Cell]:
    """A few arms to be raced against themselves: identical ones first, spread over all there are; else raced ones.

    Eager ones, for they start fastest; a control says what the machine does, not what an arm does.
    """
    chosen: list[Cell] = []
    gpus = bool(environment.gpus())
    for kind in ("identical", "raced"):
        able = [cell for cell in cells if cell.kind == kind and (cell.arm.setting.device != "cuda" or gpus)]
        able = [cell for cell in able if cell.arm.setting.mode == "eager"] or able
        wanted = min(CONTROLS - len(chosen), len(able))
        chosen += [able[place * len(able) // wanted] for place in range(wanted)]
    return [Cell(arm=cell.arm, kind="control", margins=cell.margins) for cell in chosen]
