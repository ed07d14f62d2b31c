"""Plans the races of a step: the plain step, its twin, its ways, and every rewrite and recipe that was asked for."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, get_args

from msgspec import structs

from bench.processes.arm_process import has_ranks
from bench.results.record import Arm, Race
from impls.contract.catalogue import UnknownNameError
from impls.contract.contract import Effort
from impls.contract.setting import Setting, SettingError
from impls.contract.values import ParameterValue, Value
from impls.floors.names import FLOORS, RANK_FLOORS
from impls.recipe import steps
from impls.recipe.recipe import PLAIN_NAME, Recipe, rewrites
from impls.recipe.step_file import StepFile

NO_REWRITES = ("none",)  # that are raced: the plain step, its ways, and the recipes that were named
SHARED = ("dtype", "threads", "seed")  # the coordinates that a step shares with the exact workloads, besides the device


@dataclass(frozen=True, kw_only=True)
class StepChoice:
    """What a person asked for of steps.

    names       of steps, patterns or paths
    folder      that has more of them below steps/; "" for none
    parameters  the text typed for each, several values with commas between them: one race each
    rewrites    patterns of those that are raced; () races what the effort does
    recipes     raced besides, e.g. "fused+compile_loss"
    """

    names: tuple[str, ...] = ()
    folder: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    rewrites: tuple[str, ...] = ()
    recipes: tuple[str, ...] = ()


def races(
    choice: StepChoice,
    setting: Mapping[str, tuple[Value, ...]],
    devices: Sequence[str],
    effort: str,
    swept: tuple[str, tuple[int, ...]] | None = None,
) -> Iterator[Race]:
    """A race for each step, device and combination of values, with its floors. Raises SettingError or UnknownNameError.

    setting  the coordinates that were asked for
    devices  that are there, of those asked for; the first one unless a device was asked for
    swept    a parameter and its values
    """
    asked = devices if setting.get("device") else devices[:1]
    for file in steps.choose(choice.names, Path(choice.folder) if choice.folder else None):
        for race in races_of(file, choice, setting, asked, effort, swept):
            yield with_floors(race)


def with_floors(race: Race) -> Race:
    """The same race with the floors of its step; with those of several processes where an arm has them."""
    first = race.reference
    names = (*FLOORS, *(RANK_FLOORS if any(map(has_ranks, race.arms)) else ()))
    floors = (Arm(workload=race.workload, implementation=name, setting=first.setting) for name in names)
    return structs.replace(race, arms=(*race.arms, *floors))


def races_of(
    file: StepFile,
    choice: StepChoice,
    setting: Mapping[str, tuple[Value, ...]],
    devices: Sequence[str],
    effort: str,
    swept: tuple[str, tuple[int, ...]] | None = None,
) -> Iterator[Race]:
    """The races of one step without floors: as many, in the same order, for every revision of its file. Raises SettingError."""
    for name in setting:
        if name not in (*SHARED, "device"):
            raise SettingError(f"A step has no --{name}: its parameters are set with --set {name}=...")
    values = {name: _values(file, name, text) for name, text in choice.parameters.items()}
    if swept:
        steps.check_parameter(file, swept[0])
        values[swept[0]] = tuple(swept[1])
    coordinates = {name: setting[name] for name in SHARED if setting.get(name)}
    for device, *rest in itertools.product(devices, *values.values(), *coordinates.values()):
        parameters = dict(zip(values, rest, strict=False))
        others: dict[str, Any] = dict(zip(coordinates, rest[len(values) :], strict=True))
        yield _race(file, choice, parameters, {"device": device, **others}, effort)


def _values(file: StepFile, name: str, text: str) -> tuple[ParameterValue, ...]:
    return tuple(dict.fromkeys(steps.value_of(file, name, part) for part in text.split(",")))


def _race(
    file: StepFile,
    choice: StepChoice,
    parameters: dict[str, ParameterValue],
    coordinates: dict[str, Any],
    effort: str,
) -> Race:
    setting = steps.setting(file, parameters, **coordinates)
    recipes = [Recipe(way=way) for way in file.ways]
    recipes += [Recipe.of([name]) for name in chosen(choice.rewrites, setting, effort)]
    recipes += [Recipe.read(text) for text in choice.recipes]
    names = dict.fromkeys(recipe.name for recipe in recipes)
    return Race(
        workload=file.name,
        arms=(
            Arm(workload=file.name, implementation=PLAIN_NAME, setting=setting, role="reference"),
            Arm(workload=file.name, implementation=PLAIN_NAME, setting=setting, role="twin"),
            *(Arm(workload=file.name, implementation=name, setting=setting) for name in names if name != PLAIN_NAME),
        ),
    )


def chosen(patterns: Sequence[str], setting: Setting, effort: str) -> list[str]:
    """The rewrites that match any of the patterns; without one, those that the effort races on the setting's device.

    Those of several processes are among these where the race has a core for each.

    Raises UnknownNameError for a pattern that matches none.
    """
    known = rewrites()
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in known) and pattern not in (*NO_REWRITES, ""):
            raise UnknownNameError(f"No rewrite is called {pattern!r}: there are {', '.join(known)}.")
    if patterns:
        return [name for name in known if any(fnmatchcase(name, pattern) for pattern in patterns)]
    efforts = get_args(Effort)
    allowed = efforts.index(effort)
    return [
        name
        for name, rewrite in known.items()
        if setting.device in rewrite.devices
        and efforts.index(rewrite.effort) <= allowed
        and not (rewrite.ranks and setting.device == "cpu" and setting.threads == 1)
    ]
