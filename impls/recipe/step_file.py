"""Reads a step file without running it: its summary, its functions, its ways and its parameters. Loads no torch."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

from impls.contract.dependencies import Source, dependencies, read_source
from impls.contract.setting import SettingError
from impls.contract.values import ParameterValue

WAY = "way_"
CALLED_WITH = {  # what each function is called with, besides its parameters
    "model": (),
    "optimizer": ("model",),
    "batches": ("seed",),
    "loss": ("model", "batch"),
    "schedule": ("optimizer", "number"),
    "gradients": ("model",),
    "update": ("model", "optimizer", "batch"),
}
FUNCTIONS = tuple(CALLED_WITH)


class StepFault(SettingError):
    """A step file cannot be raced as it is; the message names file, line and cure."""


@dataclass(frozen=True, eq=False)
class StepFile:
    """What a step file says of itself.

    name        how it is named on the command line and in reports: "steps/digits_mlp", "my_step.py"
    summary     first line of its docstring
    functions   those of FUNCTIONS that it defines or imports, with the line of each
    ways        names of its functions way_NAME, without the prefix
    parameters  every keyword argument with a default that is a number, a text or a truth value
    takes       the names of the parameters that each function takes
    """

    path: Path
    name: str
    summary: str
    functions: Mapping[str, int]
    ways: tuple[str, ...] = ()
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    takes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def arguments(self, function: str, values: Mapping[str, ParameterValue]) -> dict[str, ParameterValue]:
        """Of the parameters' values, those that a function takes."""
        return {name: values[name] for name in self.takes.get(function, ()) if name in values}

    def where(self, function: str = "") -> str:
        """The file, and the line of a function where it is known: "my_step.py:12"."""
        line = self.functions.get(function)
        return f"{self.name}:{line}" if line else self.name


def read(path: Path, name: str = "") -> StepFile:
    """The step in a file. Raises StepFault for one that lacks what every step needs, or that is not Python.

    name  how it is called in messages and reports; the file's own name without it
    """
    name = name or path.name
    if path.is_dir():
        raise StepFault(f"{name} is a folder: name the step file in it, e.g. {name.rstrip('/')}/my_step.py.")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StepFault(
            f"{name} cannot be read: {error.strerror}. `python -m bench init my_step.py` writes a step file to begin with."
        ) from error
    return _read(path, name, content)


@cache
def _read(path: Path, name: str, content: bytes) -> StepFile:
    try:
        tree = ast.parse(content, name)
    except SyntaxError as error:
        raise StepFault(f"{name}:{error.lineno} is not Python: {error.msg}.") from error
    except ValueError as error:
        raise StepFault(f"{name} is not Python: {error}.") from error
    names = dict(_names(tree))
    functions = {function: names[function] for function in FUNCTIONS if function in names}
    _check(name, functions, hidden="*" in names)
    definitions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node in tree.body]
    for definition in definitions:
        _check_arguments(name, definition)
        _check_way(name, definition)
    parameters, takes = _parameters(name, definitions)
    return StepFile(
        path=path,
        name=name,
        summary=(ast.get_docstring(tree) or "").strip().partition("\n")[0] or "no docstring",
        functions=functions,
        ways=tuple(known.removeprefix(WAY) for known in names if known.startswith(WAY) and known != WAY),
        parameters=parameters,
        takes=takes,
    )


def _names(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """The names that a file binds at its top level, with their lines; "*" where it imports all names of a module."""
    for node in tree.body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name, node.lineno
            case ast.Import() | ast.ImportFrom():
                for alias in node.names:
                    yield alias.asname or alias.name, node.lineno
            case ast.Assign():
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        yield target.id, node.lineno
            case ast.If() | ast.Try():
                for part in node.body:
                    if isinstance(part, ast.FunctionDef | ast.ClassDef):
                        yield part.name, part.lineno


def _check_way(name: str, definition: ast.FunctionDef) -> None:
    """Raises StepFault for a way that calls `update`, whose place it takes: it would call itself without end."""
    if not definition.name.startswith(WAY):
        return
    for node in ast.walk(definition):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "update":
            raise StepFault(
                f"{name}:{node.lineno} calls `update`, whose place {definition.name} takes, so it would call itself: "
                "move what both do into a function of another name, and call that."
            )


def _check(name: str, functions: Mapping[str, int], hidden: bool) -> None:
    """Raises StepFault where a function is missing.

    hidden  whether the file imports names that do not stand in it
    """
    needed = ("model", "batches") if "update" in functions else ("model", "optimizer", "batches", "loss")
    missing = [function for function in needed if function not in functions]
    if missing:
        calls = " and ".join(f"`{function}({', '.join(CALLED_WITH[function])})`" for function in missing)
        if hidden:
            raise StepFault(f"{name} defines no {calls}: `import *` does not say what it brings, so import it by name.")
        raise StepFault(
            f"{name} defines no {calls}: a step file has the functions model, optimizer, batches and loss "
            "(`python -m bench init` writes one to begin with)."
        )


def _check_arguments(name: str, definition: ast.FunctionDef) -> None:
    """Raises StepFault for a function that cannot be called as it is: too few arguments, or more without a default."""
    function, arguments = definition.name, definition.args
    called_with = CALLED_WITH["update"] if function.startswith(WAY) else CALLED_WITH.get(function)
    if called_with is None or definition.decorator_list or arguments.vararg:
        return
    positional = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
    needed = positional[: len(positional) - len(arguments.defaults)]
    keywords = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    more = [*needed[len(called_with) :], *(argument.arg for argument, default in keywords if default is None)]
    signature = f"{function}({', '.join(called_with)})"
    if len(positional) < len(called_with):
        raise StepFault(f"{name}:{definition.lineno}: {function} takes too few arguments: it is called as {signature}.")
    if more:
        raise StepFault(
            f"{name}:{definition.lineno}: {function} is called as {signature}: give {' and '.join(more)} a default, "
            f"which makes it a parameter, e.g. {more[0]}=1."
        )


def _parameters(
    name: str, definitions: list[ast.FunctionDef]
) -> tuple[dict[str, ParameterValue], dict[str, tuple[str, ...]]]:
    """The parameters with their defaults, and which function takes which. Two defaults for one name are a fault.

    Of two functions of one name the later one takes what the earlier one took where it has **keywords: a patch that
    wraps a function passes them on.
    """
    parameters: dict[str, ParameterValue] = {}
    lines: dict[str, int] = {}
    takes: dict[str, tuple[str, ...]] = {}
    for definition in definitions:
        if definition.name not in FUNCTIONS and not definition.name.startswith(WAY):
            continue
        own = dict(_defaults(definition))
        passed = takes.get(definition.name, ()) if definition.args.kwarg else ()
        takes[definition.name] = tuple(dict.fromkeys([*passed, *own]))
        for parameter, value in own.items():
            before = parameters.setdefault(parameter, value)
            if before != value or type(before) is not type(value):
                raise StepFault(
                    f"{name}:{definition.lineno}: the parameter {parameter} has the default {value!r} here and {before!r} "
                    f"in line {lines[parameter]}: give it one default."
                )
            lines.setdefault(parameter, definition.lineno)
    return parameters, takes


def _defaults(definition: ast.FunctionDef) -> Iterator[tuple[str, ParameterValue]]:
    """The arguments of a function that have a literal default."""
    arguments = definition.args
    positional = [*arguments.posonlyargs, *arguments.args]
    pairs = list(zip(reversed(positional), reversed(arguments.defaults), strict=False))[::-1]
    pairs += [(one, value) for one, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if value]
    for argument, default in pairs:
        try:
            value = ast.literal_eval(default)
        except (ValueError, TypeError):
            continue  # computed: it is no parameter that could be written on a command line
        if isinstance(value, ParameterValue):
            yield argument.arg, value


def import_roots(path: Path) -> list[str]:
    """The folders that a step file's own imports are looked for in: its own, its repository's root, and src below that."""
    own = path.resolve().parent
    root = next((folder for folder in (own, *own.parents) if (folder / ".git").exists()), own)
    return [str(folder) for folder in dict.fromkeys((own, root, root / "src")) if folder.is_dir()]


def sources(path: Path) -> dict[Path, Source]:
    """A step file, and every file of its own repository that it imports, however many imports away; nothing is run."""
    places = [Path(place) for place in import_roots(path)]
    own = read_source(path, "")
    return {path: own} | dependencies(own.imports, places, partial(_lies_in, places))


def _lies_in(places: Sequence[Path], module: str) -> bool:
    """Whether a module is one of a step's own repository, and not an installed one."""
    top = module.partition(".")[0]
    return any((place / f"{top}.py").is_file() or any((place / top).glob("*.py")) for place in places)
