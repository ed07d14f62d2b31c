"""Decides, before anything is measured, which cells a gate has: raced, identical, new, missing, and the controls.

Runs in a process whose `impls` is the head's.
"""

import dataclasses
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from bench.gate.rule import margins
from bench.gate.rule.margins import TABLE, Rules
from bench.gate.sides import checkout, dependencies
from bench.gate.sides.arms import arms_of
from bench.gate.sides.checkout import Prepared
from bench.gate.step_cells import notes as changed_defaults
from bench.gate.step_cells import step_cells
from bench.processes import memory_layout
from bench.processes.arm_process import recipe_of
from bench.results.gate import Cell, GatePlan, Kind, Side
from bench.results.record import Arm
from bench.runner.plan import Choice
from bench.system import environment
from impls.contract import catalogue
from impls.contract.dependencies import differing

CONTROLS = 3
LAP_SECONDS = 1.0  # of racing in each round: processes differ more than laps, so longer racing gains little
MOST = 50  # rounds of each stage: two minutes of forked ones
BATCH = 256  # rows an update of an arm that takes no full batches


@dataclass(frozen=True)
class GateRequest:
    """What a person asks of a gate.

    choice       the arms and their settings, as for a run
    command      as it was typed
    options      options of the command that a command for the same sides needs too, by name; see GatePlan
    gate, floor  margins that were typed: "3%"; None: those of pyproject.toml, or the usual ones
    budget       seconds after which no further round is started
    everything   whether arms are raced whose code is the same on both sides
    at_most      budgets that were typed: "5 ms", "2 GB"
    """

    choice: Choice
    command: str
    options: Mapping[str, str | bool | list[str]]
    gate: str | None
    floor: str | None
    budget: float
    everything: bool = False
    at_most: tuple[str, ...] = ()

    @property
    def named(self) -> bool:
        """Whether implementations were named."""
        return self.choice.implementation != Choice.implementation


@dataclass(frozen=True)
class _Sides:
    """Both sides on disk, and how an arm is treated on them.

    rules       the margins of each arm
    race_equal  whether arms are raced whose code is the same on both sides
    """

    base: Side
    head: Side
    target: Path
    rules: Rules
    race_equal: bool

    def names(self, side: Side) -> set[str]:
        """The implementations that a side has."""
        return dependencies.names(self.target / side.copies[0] / side.folder)

    def differing(self, workload: str, implementation: str) -> tuple[str, ...]:
        """The files that differ of those that running an implementation stands on, as paths from the side's folder."""
        tops = [(self.target / side.copies[0], side.folder) for side in (self.base, self.head)]
        base, head = (dependencies.fingerprints(top / folder, workload, implementation, top) for top, folder in tops)
        return differing(base, head)

    def cell(self, arm: Arm) -> Cell:
        """The cell of an arm that the head has."""
        if arm.implementation not in self.names(self.base):
            return Cell(arm=arm, kind="new", margins=self.rules.of(arm))
        differs = self.differing(arm.workload, arm.implementation)
        kind: Kind = "raced" if differs or self.race_equal else "identical"
        return Cell(arm=arm, kind=kind, margins=self.rules.of(arm), differs=differs)


def make_gate_plan(request: GateRequest, prepared: Prepared, base_arms: Collection[Arm], target: Path) -> GatePlan:
    """Every cell that the request asks for.

    base_arms  the arms that the base has for this choice
    target     the gate's folder, which holds the sides

    Raises SettingError or UnknownNameError, with the cure, for what cannot be.
    """
    base, head = prepared.base, prepared.head
    base_rules, rules = (
        margins.read(checkout.pyproject(target, side), request.gate, request.floor, request.at_most)
        for side in (base, head)
    )
    other_environment = (base.python, base.versions) != (head.python, head.versions)
    race_equal = request.everything or other_environment
    if head.steps:
        touched: list[Arm] = []
        cells = step_cells(_with_recipes(request.choice, rules), base, head, target, rules, race_equal=race_equal)
        arms = [cell.arm for cell in cells]
    else:
        sides = _Sides(base, head, target, rules, race_equal=race_equal)
        arms = arms_of(request.choice)
        cells = [sides.cell(arm) for arm in arms]
        touched = [] if request.named else _touched(request.choice, cells, sides)
        cells += [sides.cell(arm) for arm in touched]
        cells += _missing(request, base_arms, [*arms, *touched], sides)
    about = [*_notes(touched, margins_differ=base_rules != rules), *changed_defaults(cells)]
    notes = [*prepared.notes, *rules.notes(arms), *about]
    return GatePlan(
        run=target.name,
        command=request.command,
        seed=secrets.randbits(32),
        base=base,
        head=head,
        cells=(*cells, *_controls(cells)),
        budget=request.budget,
        most=MOST,
        limit=request.choice.limit,
        lap_seconds=LAP_SECONDS,
        named=request.named,
        options=dict(request.options),
        notes=tuple(notes),
    )


def _with_recipes(choice: Choice, rules: Rules) -> Choice:
    """The choice with the recipes that pyproject.toml names besides."""
    recipes = tuple(dict.fromkeys((*rules.recipes, *choice.steps.recipes)))
    return dataclasses.replace(choice, steps=dataclasses.replace(choice.steps, recipes=recipes))


def _notes(touched: Sequence[Arm], *, margins_differ: bool) -> Iterator[str]:
    if touched:
        names = ", ".join(dict.fromkeys(arm.implementation for arm in touched))
        yield f"raced besides what was asked for, because the change touches it: {names}"
    if margins_differ:
        yield f"the head changes [{TABLE}] in pyproject.toml; its margins count"
    with memory_layout.fixed_addresses() as fixed:
        if not fixed:
            yield memory_layout.REFUSED


def _missing(request: GateRequest, base_arms: Collection[Arm], arms: Sequence[Arm], sides: _Sides) -> Iterator[Cell]:
    """What only the base has: arms of this choice, and implementations outside of it, at the setting of some arm."""
    known = {(arm.workload, arm.key) for arm in arms}
    missing = [arm for arm in base_arms if (arm.workload, arm.key) not in known]
    gone = sides.names(sides.base) - sides.names(sides.head) - {arm.implementation for arm in missing}
    for name in sorted(gone):
        family = catalogue.family_of(name)
        model = next((arm for arm in arms if catalogue.family_of(arm.implementation) == family), next(iter(arms), None))
        if model is not None:
            missing.append(replace(model, implementation=name))
    for arm in missing:
        if not request.named or arm in base_arms:
            yield Cell(arm=arm, kind="missing", margins=sides.rules.of(arm))


def _touched(choice: Choice, cells: Sequence[Cell], sides: _Sides) -> list[Arm]:
    """Arms outside the choice that stand on a changed file on which no cell of the choice stands.

    At the least effort that races them. So a change of an arm that is rarely raced is seen, while a change of a file that
    all arms share, such as the contract, brings no more arms than were asked for.
    """
    chosen = [cell.arm for cell in cells]
    covered = {file for cell in cells for file in cell.differs}
    on_both = sides.names(sides.base) & sides.names(sides.head)
    workloads = [*(arm.workload for arm in chosen), *catalogue.workloads()]
    touched = []
    for name in sorted(on_both - {arm.implementation for arm in chosen}):
        family = catalogue.family_of(name)
        workload = next((workload for workload in workloads if catalogue.family_of(workload) == family), None)
        if workload is None or catalogue.entry(name).domain.ranks or set(sides.differing(workload, name)) <= covered:
            continue
        named = dataclasses.replace(choice, workload=(workload,), implementation=(name,))
        touched += arms_of(named if "full" in catalogue.entry(name).domain.batches else named.at(batch=BATCH))
    return touched


def _controls(cells: Sequence[Cell]) -> list[Cell]:
    """A few arms to be raced against themselves: identical ones first, spread over all there are; else raced ones.

    Eager ones where there are any, because they start fastest: a control shows what the machine does, not the arm.
    """
    chosen: list[Cell] = []
    gpus = bool(environment.gpus())
    for kind in ("identical", "raced"):
        runnable = [cell for cell in cells if cell.kind == kind and (cell.arm.setting.device != "cuda" or gpus)]
        runnable = [cell for cell in runnable if not _compiles(cell.arm)] or runnable
        wanted = min(CONTROLS - len(chosen), len(runnable))
        chosen += [runnable[place * len(runnable) // wanted] for place in range(wanted)]
    return [Cell(arm=cell.arm_on("base"), kind="control", margins=cell.margins) for cell in chosen]


def _compiles(arm: Arm) -> bool:
    return recipe_of(arm).compiles if arm.setting.is_step else arm.setting.mode != "eager"
