"""The cells of a gate on steps: the plain step, its ways, and the recipes that were named, on both sides."""

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec.structs import replace

from bench.gate.rule.margins import Rules
from bench.gate.sides import step_files
from bench.gate.sides.arms import refuse_ranks
from bench.gate.sides.git import SideError
from bench.processes.arm_process import recipe_of
from bench.results.gate import Cell, Kind, Side
from bench.results.record import Arm, Race
from bench.runner.plan import Choice, present
from bench.runner.step_plan import NO_REWRITES, races_of
from impls.contract.dependencies import differing
from impls.contract.setting import SettingError


def step_cells(choice: Choice, base: Side, head: Side, target: Path, rules: Rules, *, race_equal: bool) -> list[Cell]:
    """Every arm of every step. An arm is raced where any file that its step is made of differs between the sides.

    Rewrites are raced where they were named: a gate keeps what people use fast, and does not look for what is faster.
    A parameter that nobody set has each side's own default.

    target      the gate's folder, which holds the sides
    race_equal  whether arms are raced whose code is the same on both sides

    Raises SideError, which names the side, for a step that it cannot race, and SettingError for what cannot be.
    """
    cells: list[Cell] = []
    for name in head.steps:
        differs = differing(*(step_files.fingerprints(target, side, name) for side in (base, head)))
        kind: Kind = "raced" if differs or race_equal else "identical"
        for before, after in zip(*(_races(choice, side, target, name) for side in (base, head)), strict=True):
            cells += _cells(_arms(before), _arms(after), kind, differs, rules)
    return cells


def _races(choice: Choice, side: Side, target: Path, name: str) -> list[Race]:
    asked = choice.of("device")
    devices = present(asked)
    wanted = dataclasses.replace(choice.steps, rewrites=choice.steps.rewrites or NO_REWRITES)
    file = step_files.of_side(target, side, name)
    try:
        return list(races_of(file, wanted, choice.setting, devices if asked else devices[:1], choice.effort))
    except SettingError as error:
        raise SideError(f"the {side.role}, {side.name}: {error}") from error


def _arms(race: Race) -> dict[str, Arm]:
    """The arms of a race without its twin, by their recipes. Raises SettingError for those of several processes."""
    refuse_ranks(race.arms)
    return {arm.implementation: replace(arm, role="arm") for arm in race.arms if arm.role != "twin"}


def _cells(
    base: Mapping[str, Arm], head: Mapping[str, Arm], kind: Kind, differs: tuple[str, ...], rules: Rules
) -> Iterator[Cell]:
    for name, arm in head.items():
        if name not in base:
            yield Cell(arm=arm, kind="new", margins=rules.of(arm))
        else:
            other = None if base[name] == arm else base[name]
            yield Cell(
                arm=arm, kind=kind, margins=rules.of(arm), differs=differs, base_arm=other, phased=_shows_phases(arm)
            )
    for name in base.keys() - head.keys():
        yield Cell(arm=base[name], kind="missing", margins=rules.of(base[name]))


def _shows_phases(arm: Arm) -> bool:
    """Whether backward and optimizer are calls that can be seen: not in an update that is one graph."""
    recipe = recipe_of(arm)
    return not (recipe.compiles or recipe.whole)


def notes(cells: list[Cell]) -> Iterator[str]:
    """A sentence for each parameter whose default is another one on the head."""
    changes = {
        f"{arm.workload} has {name}={value} on the head and {name}={before.get(name, 'no such parameter')} on the base"
        for cell in cells
        if cell.base_arm
        for arm, before in [(cell.arm, cell.base_arm.setting.named)]
        for name, value in arm.setting.parameters
        if before.get(name) != value
    }
    yield from sorted(changes)
