"""Where steps are found: those that are shipped, those of a folder, and any file by its path. Loads no torch."""

import difflib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from impls.contract.catalogue import UnknownNameError
from impls.contract.setting import Setting, SettingError
from impls.contract.values import LARGEST, ParameterValue, whole_number
from impls.recipe.step_file import StepFile, read

SHIPPED = Path(__file__).parents[1] / "steps"
PREFIX = "steps/"
JOB = 10_000  # updates that a job of a step is taken to have


def is_step(name: str) -> bool:
    """Whether a name means a step: a file by its path, or a name below `steps/`."""
    return name.endswith(".py") or name.startswith(PREFIX) or Path(name).is_dir()


def files(folder: Path | None = None) -> dict[str, Path]:
    """The steps that have a name, shipped or below `folder`, by name."""
    places = [SHIPPED, *([folder / "steps"] if folder else [])]
    return {
        PREFIX + file.stem: file
        for place in places
        for file in sorted(place.glob("*.py"))
        if file.stem.isidentifier() and file.stem != "__init__"
    }


def choose(names: Sequence[str], folder: Path | None = None) -> list[StepFile]:
    """The steps of these names, patterns ("steps/*") or paths. Raises UnknownNameError or StepFault."""
    known = files(folder)
    chosen: dict[str, Path] = {}
    for name in names:
        if name.startswith(PREFIX) and not name.endswith(".py"):
            matching = {one: path for one, path in known.items() if fnmatchcase(one, name)}
            if not matching:
                close = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
                raise UnknownNameError(
                    f"No step is called {name!r}: did you mean {close}? `python -m bench list` shows all."
                )
            chosen |= matching
        else:
            chosen[shown(Path(name))] = Path(name)
    return [read(path.resolve(), name) for name, path in chosen.items()]


def find(name: str, folder: Path | None = None) -> StepFile:
    """The step of one name, as a plan keeps it. Raises UnknownNameError or StepFault."""
    return choose([name], folder)[0]


def shown(path: Path) -> str:
    """A path as reports show it: from the working directory where it lies below that."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.as_posix()


def setting(file: StepFile, parameters: dict[str, ParameterValue], **coordinates: Any) -> Setting:
    """The setting of a step: its parameters, those that were chosen put in. Raises SettingError for one that it has not."""
    for name in parameters:
        check_parameter(file, name)
    values = dict(file.parameters) | parameters
    return Setting(updates=JOB, parameters=tuple(sorted(values.items())), **coordinates)


def check_parameter(file: StepFile, name: str) -> None:
    """Raises SettingError for a name that is none of the step's parameters."""
    if name not in file.parameters:
        has = f"it has {', '.join(file.parameters)}" if file.parameters else "it has none"
        raise SettingError(
            f"{file.name} has no parameter {name!r}: {has}. A parameter is an argument with a default, "
            f"such as `def model({name}=1):`."
        )


def value_of(file: StepFile, name: str, text: str) -> ParameterValue:
    """What a person wrote for a parameter, as the kind that its default has. Raises SettingError."""
    check_parameter(file, name)
    default = file.parameters[name]
    text = text.strip()
    try:
        if isinstance(default, bool):
            return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[text.lower()]
        if isinstance(default, int):
            number = whole_number(text)
            if abs(number) > LARGEST:
                raise ValueError
            return number
        return type(default)(text)
    except (KeyError, ValueError):
        kinds = {bool: "true or false", int: "a whole number", float: "a number"}
        raise SettingError(
            f"{name} of {file.name} takes {kinds[type(default)]}, like its default {default!r}; got {text!r}."
        ) from None
