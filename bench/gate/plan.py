"""Decides which cells a gate has, before anything is measured: raced, identical, new, missing, and the controls.

Apart from bench/runner/plan.py, whose choice of arms it takes over: what differs between the sides is a question of the gate.
Runs where `impls` is the head's.
"""

import dataclasses
import secrets
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from bench.gate.rule.margins import TABLE, Rules
from bench.gate.sides.arms import arms_of
from bench.gate.sides.checkout import Prepared
from bench.gate.sides.dependencies import closure, differing, names
from bench.gate.sides.preflight import difference
from bench.results.gate import Cell, GatePlan, Kind, Side
from bench.results.record import Arm
from bench.runner import memory_layout
from bench.runner.plan import Choice
from bench.system import environment
from impls.contract import catalogue

CONTROLS = 3
LAP_SECONDS = 1.0  # of racing in each round: longer ones cost more than they tell, for processes differ more than laps
MOST = 50  # rounds of each stage: two minutes of forked ones
BATCH = "256"  # rows an update of an arm that takes no full batches


def make_gate_plan(
    choice: Choice,
    prepared: Prepared,
    has: Sequence[Arm],
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

    has         the arms that the base has for this choice
    target      the gate's folder, which holds the sides
    everything  whether cells are raced that are identical on both sides, too
    margins_differ    whether the head's margins are not the base's

    Raises SettingError or UnknownNameError, with the cure, for what cannot be.
    """
    base, head = prepared.base, prepared.head
    apart = (base.python, base.versions) != (head.python, head.versions)
    arms = arms_of(choice)
    cells = [_cell(arm, base, head, rules, target, apart or everything) for arm in arms]
    named = choice.implementation != Choice.implementation
    touched = [] if named else _touched(choice, arms, cells, base, head, target)
    cells += [_cell(arm, base, head, rules, target, apart or everything) for arm in touched]
    missing = _missing(has, [*arms, *touched], base, head, rules, target)
    cells += [cell for cell in missing if not named or cell.arm in has]
    notes = (*prepared.notes, *difference(base, head), *rules.notes(arms))
    if touched:
        listed = ", ".join(dict.fromkeys(arm.implementation for arm in touched))
        notes += (f"raced besides what was asked for, for the change touches it: {listed}",)
    notes += (f"the head changes [{TABLE}] in pyproject.toml; its margins count",) if margins_differ else ()
    with memory_layout.held() as held:
        notes += () if held else (memory_layout.REFUSED,)
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


def _cell(arm: Arm, base: Side, head: Side, rules: Rules, target: Path, anyway: bool) -> Cell:
    """What there is to do about one arm."""
    tops = [target / side.copies[0] for side in (base, head)]
    if arm.implementation not in names(tops[0] / base.folder):
        return Cell(arm=arm, kind="new", margins=rules.of(arm))
    made_of = (closure(top / head.folder, arm.workload, arm.implementation, top) for top in tops)
    differs = differing(*made_of)
    kind: Kind = "raced" if differs or anyway else "identical"
    return Cell(arm=arm, kind=kind, margins=rules.of(arm), differs=differs)


def _missing(has: Sequence[Arm], arms: Sequence[Arm], base: Side, head: Side, rules: Rules, target: Path) -> list[Cell]:
    """What only the base has: arms of this choice, and implementations outside of it, at the setting of some arm.

    has  the base's arms
    """
    here = {(arm.workload, arm.label) for arm in arms}
    found = [arm for arm in has if (arm.workload, arm.label) not in here]
    gone = names(target / base.copies[0] / base.folder) - names(target / head.copies[0] / head.folder)
    for name in sorted(gone - {arm.implementation for arm in found}):
        family = catalogue.family_of(name)
        model = next((arm for arm in arms if catalogue.family_of(arm.implementation) == family), next(iter(arms), None))
        if model is not None:
            found.append(replace(model, implementation=name))
    return [Cell(arm=arm, kind="missing", margins=rules.of(arm)) for arm in found]


def _touched(
    choice: Choice, arms: Sequence[Arm], cells: Sequence[Cell], base: Side, head: Side, target: Path
) -> list[Arm]:
    """The arms that nobody asked for and the change is about: it touches files of theirs that no raced cell stands on.

    At the least effort that races them. So what a change of a rarely raced arm does is seen, and one of the seam, on which
    all arms stand, brings no more arms than were asked for.
    """
    tops = [target / side.copies[0] for side in (base, head)]
    covered = {file for cell in cells for file in cell.differs}
    there = names(tops[0] / base.folder) & names(tops[1] / head.folder)
    found = []
    for name in sorted(there - {arm.implementation for arm in arms}):
        family = catalogue.family_of(name)
        known = [*(arm.workload for arm in arms), *catalogue.workloads()]
        workload = next((each for each in known if catalogue.family_of(each) == family), None)
        if workload is None:
            continue
        made_of = (
            closure(top / side.folder, workload, name, top) for top, side in zip(tops, (base, head), strict=True)
        )
        if not set(differing(*made_of)) <= covered:
            full = "full" in catalogue.entry(name).domain.batches
            named = dataclasses.replace(choice, workload=(workload,), implementation=(name,))
            found += arms_of(named if full else dataclasses.replace(named, batch=(BATCH,)))
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
