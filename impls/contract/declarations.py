"""What an implementation declares of itself, its work and its domain, read from its file without running it."""

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from impls.contract import Domain, Implementation, Work
from impls.contract.dependencies import absolute, module_files, package_of, parse

_IMPLEMENTATION = {"impls.contract.Implementation", "impls.contract.contract.Implementation"}
_CURE = {
    "domain": "write it with literals only, for example domain = Domain(devices=('cpu',))",
    "work": "write it as a literal, for example work = 'algorithmic'",
}


@dataclass(frozen=True)
class Declaration:
    """The work and the domain that a file declares; where they cannot be read, the contract's own and a complaint."""

    domain: Domain = Implementation.domain
    work: Work = Implementation.work
    complaint: str = ""


class _UnreadableError(Exception):
    """What a class declares cannot be known without running its file; the message says why."""


@dataclass(frozen=True)
class _Class:
    """A class in a file; `node` is None for one that lies in no file at hand, the contract's Implementation included."""

    name: str
    module: str = ""
    path: Path = Path()
    node: ast.ClassDef | None = None


def declaration(module: str, places: Sequence[Path]) -> Declaration:
    """What the one implementation in a module declares, in its own body or in that of a class it inherits from.

    places  the folders in which Python looks for a module, in order

    A file with no class, or with several implementations, has the defaults here; loading it names that fault.
    """
    lineages = [list(_lineage(each, places, set())) for each in _classes(module, places)]
    certain = [lineage for lineage in lineages if any(each.name in _IMPLEMENTATION for each in lineage)]
    possible = certain or [lineage for lineage in lineages if any(each.node is None for each in lineage)]
    if len(possible) != 1:
        return Declaration()
    try:
        return Declaration(_declared(possible[0], "domain", _domain), _declared(possible[0], "work", _work))
    except _UnreadableError as error:
        return Declaration(complaint=str(error))


def _classes(module: str, places: Sequence[Path]) -> list[_Class]:
    """The classes that a module defines at its top level."""
    path, _, tree = _parsed(module, places)
    return [_Class(node.name, module, path, node) for node in tree.body if isinstance(node, ast.ClassDef)]


def _parsed(module: str, places: Sequence[Path]) -> tuple[Path, str, ast.Module]:
    """A module's file, its package and its tree; an empty tree where there is no such file, or it is not Python."""
    path = dict(module_files(module, places)).get(module)
    if path is None:
        return Path(), "", ast.Module([], [])
    try:
        tree = parse(path.read_bytes(), path.name)
    except (OSError, SyntaxError, ValueError):
        tree = ast.Module([], [])
    return path, package_of(module, path), tree


def _lineage(start: _Class, places: Sequence[Path], seen: set[tuple[str, str]]) -> Iterator[_Class]:
    """A class and those it inherits from, in the order in which Python looks an attribute up (without diamonds)."""
    if (start.module, start.name) in seen:
        return
    seen.add((start.module, start.name))
    yield start
    for base in start.node.bases if start.node else ():
        named = base.value if isinstance(base, ast.Subscript) else base
        yield from _lineage(_named(ast.unparse(named), start.module, places), places, seen)


def _named(name: str, module: str, places: Sequence[Path], steps: int = 10) -> _Class:
    """The class that a module knows by this name, be it defined there or imported.

    steps  imports that may lie between: two files may import a name from each other
    """
    if own := [each for each in _classes(module, places) if each.name == name]:
        return own[-1]
    head, _, rest = name.partition(".")
    _, package, tree = _parsed(module, places)
    full = dict(_imported(tree, package)).get(head, head) + (f".{rest}" if rest else "")
    owner, _, last = full.rpartition(".")
    if full in _IMPLEMENTATION or not owner or not steps or not _parsed(owner, places)[2].body:
        return _Class(full)
    return _named(last, owner, places, steps - 1)


def _imported(tree: ast.Module, package: str) -> Iterator[tuple[str, str]]:
    """The names that a file's imports bind, each with the full name of what it stands for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield (alias.asname, alias.name) if alias.asname else (alias.name.partition(".")[0],) * 2
        elif isinstance(node, ast.ImportFrom):
            module = absolute("." * node.level + (node.module or ""), package)
            yield from ((alias.asname or alias.name, f"{module}.{alias.name}") for alias in node.names)


def _declared(lineage: Sequence[_Class], name: Literal["domain", "work"], read: Callable[[ast.expr], Any]) -> Any:
    """The attribute's value as the first class of the lineage sets it; the contract's own where none does."""
    for each in lineage:
        values = [value for node in (each.node.body if each.node else ()) for value in _values(node, name)]
        if values:
            try:
                return read(values[-1])
            except ValueError as error:
                line = f"{_place(each)}, line {values[-1].lineno}"
                raise _UnreadableError(f"{line}: the {name} of {each.name}: {error}; {_CURE[name]}") from None
    outside = [each.name for each in lineage if each.node is None]
    if not _IMPLEMENTATION & set(outside):
        own = lineage[0]
        raise _UnreadableError(
            f"{_place(own)}: {own.name} inherits from {outside[0]}, which lies in no file of impls, so its {name} is not "
            f"known without running it; set it in {own.name}: {_CURE[name]}"
        )
    return getattr(Implementation, name)


def _place(defined: _Class) -> str:
    return f"impls/{defined.path.parent.name}/{defined.path.name}"


def _values(node: ast.stmt, name: str) -> Iterator[ast.expr]:
    """What a statement in a class's body sets the name to; itself where it does so under a condition or in a loop."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return
    if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == [name]:
        yield node.value
    elif isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == name:
        if node.value:
            yield node.value
    else:
        names = (each for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store))
        yield from (each for each in names if each.id == name)


def _domain(value: ast.expr) -> Domain:
    if not isinstance(value, ast.Call) or ast.unparse(value.func).rpartition(".")[2] != "Domain":
        raise ValueError(f"`{ast.unparse(value)}` is not a Domain(...) that can be read without running the file")
    arguments = [_literal(each) for each in value.args]
    words = {word.arg or "**": _literal(word.value) for word in value.keywords}
    try:
        return Domain(*arguments, **words)
    except TypeError:
        given = ", ".join(words) or f"{len(arguments)} values"
        raise ValueError(f"Domain takes modes, devices, batches and ranks; got {given}") from None


def _work(value: ast.expr) -> Work:
    word: Work = _literal(value)
    if word not in get_args(Work):
        raise ValueError(f"it must be one of {', '.join(get_args(Work))}; got {word!r}")
    return word


def _literal(value: ast.expr) -> Any:
    try:
        return ast.literal_eval(value)
    except ValueError:
        raise ValueError(f"`{ast.unparse(value)}` is not a literal") from None
