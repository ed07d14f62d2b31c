"""Finds workloads and implementations by walking the folders: path = name. Loads no framework until an arm is built."""

import ast
import contextlib
import difflib
import hashlib
import importlib
import importlib.metadata
import importlib.util
import io
import sys
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from impls.contract import Domain, Implementation, Work, Workload

ROOT = Path(__file__).parents[1]
OWN = {"impls"}
RESERVED = {"__init__", "workload", "kernels"}
COMMON = {
    "impls.contract",
    "impls.contract.contract",
    "impls.contract.setting",
}  # what every implementation stands on; a change there changes them all

# How to install what an implementation imports, where the name of the package is not that of the module.
PACKAGES = {"sklearn": "scikit-learn"}


def family_of(name: str) -> str:
    """The folder that a workload or an implementation of this name lies in."""
    return name.partition("/")[0]


class UnknownNameError(ValueError):
    """A name or a pattern matches nothing in the catalogue; the message names what comes close."""


@dataclass(frozen=True)
class Entry:
    """What can be known of an implementation without running it.

    name         "linear/manual": the path below `impls`, without its ending
    summary      first line of the module's docstring
    needs        top-level packages it imports, standard library and this project aside
    fingerprint  SHA-256 of its tokens and of those of what it takes from beside it: comments and layout do not change
                 it, code does
    domain       where it can be raced
    work         faithful, algorithmic or floor
    """

    name: str
    summary: str
    needs: tuple[str, ...]
    fingerprint: str
    domain: Domain = Implementation.domain
    work: Work = "faithful"

    @property
    def family(self) -> str:
        """The folder it lies in; it can carry out the workloads of that family."""
        return family_of(self.name)

    def missing(self) -> str | None:
        """None when all it needs is installed, else a sentence that says what to install."""
        absent = [PACKAGES.get(need, need) for need in self.needs if importlib.util.find_spec(need) is None]
        return f"needs {' and '.join(absent)}: pip install {' '.join(absent)}" if absent else None


def workloads() -> dict[str, Workload]:
    """Every workload by name, in the order of the folders and of the files' own lists."""
    return _families()[0]


def complaints() -> tuple[str, ...]:
    """A sentence for each workload.py that cannot be loaded; it hides no other."""
    return _families()[1]


@cache
def _families() -> tuple[dict[str, Workload], tuple[str, ...]]:
    found: dict[str, Workload] = {}
    broken = []
    for path in sorted(ROOT.glob("*/workload.py")):
        try:
            module = importlib.import_module(f"impls.{path.parent.name}.workload")
            found |= {workload.name: workload for workload in module.WORKLOADS}
        except Exception as error:  # noqa: BLE001 - whatever one family raises, the others can be raced
            broken.append(f"impls/{path.parent.name}/workload.py cannot be loaded: {type(error).__name__}: {error}")
    return found, tuple(broken)


@cache
def implementations() -> dict[str, Entry]:
    """Every implementation by name. A file is read, not run, so that one broken file hides no other."""
    return {name: _read(name, path) for name, path in _paths().items()}


def entry(name: str) -> Entry:
    """One implementation, by reading no other file than those it is made of; UnknownNameError where there is none."""
    paths = _paths()
    if name not in paths:
        raise _unknown("implementation", name, paths)
    return _read(name, paths[name])


@cache
def _paths() -> dict[str, Path]:
    """The file of every implementation, by name."""
    paths = (
        path
        for path in sorted(ROOT.glob("*/*.py"))
        if path.stem.isidentifier() and path.stem not in RESERVED and path.parent.name != "contract"
    )
    return {path.relative_to(ROOT).with_suffix("").as_posix(): path for path in paths}


def _read(name: str, path: Path) -> Entry:
    """What the file says of itself; a file that cannot be read spoils the entries of those built on it, and no other."""
    files = [path]  # and those of this package that it imports, and those that they import in their turn
    for file in files:
        try:
            files += [other for other in _source(file).built_on if other not in files]
        except (OSError, SyntaxError, ValueError) as error:
            where = "" if file == path else f"it is built on {file.relative_to(ROOT.parent).as_posix()}: "
            return Entry(name, f"cannot be read: {where}{error}", (), "")
    own = _source(path)
    fingerprints = "\n".join(_source(file).fingerprint for file in files)
    return Entry(
        name=name,
        summary=(ast.get_docstring(own.tree) or "no docstring").partition("\n")[0],
        needs=tuple(sorted({each.partition(".")[0] for each in own.imported} - OWN - set(sys.stdlib_module_names))),
        fingerprint=hashlib.sha256(fingerprints.encode()).hexdigest(),
        domain=_domain(own.tree),
        work=_literal(own.tree, "work", "faithful"),
    )


@dataclass(frozen=True)
class _Source:
    """One file, parsed; `built_on` are the files of this package that it imports itself."""

    tree: ast.Module
    imported: set[str]
    built_on: list[Path]
    fingerprint: str


@cache
def _source(path: Path) -> _Source:
    """Read once, however many implementations are built on it."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text, path.name)
    imported = _imported(tree)
    own = sorted(each for each in imported - COMMON if each.startswith("impls."))
    files = (ROOT.parent / f"{each.replace('.', '/')}.py" for each in own)
    return _Source(tree, imported, [file for file in files if file.is_file()], fingerprint(text))


def _imported(tree: ast.Module) -> set[str]:
    """The modules that a file imports anywhere, by their whole names; of what it imports from a module, both names."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def _assigned(tree: ast.Module, name: str) -> Iterator[ast.expr]:
    """What the classes of a file set this attribute to, in their bodies."""
    for node in tree.body:
        for line in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == name:
                yield line.value


def _literal(tree: ast.Module, name: str, default: Any) -> Any:
    return next((value.value for value in _assigned(tree, name) if isinstance(value, ast.Constant)), default)


def _domain(tree: ast.Module) -> Domain:
    """What the file declares; the contract's own where it declares nothing that can be read."""
    for value in _assigned(tree, "domain"):
        if isinstance(value, ast.Call):
            with contextlib.suppress(ValueError, TypeError):
                return Domain(**{word.arg: ast.literal_eval(word.value) for word in value.keywords if word.arg})
    return Domain()


def fingerprint(source: str) -> str:
    """Equal for two sources that differ in comments, blank lines and line breaks alone."""
    skipped = {tokenize.COMMENT, tokenize.NL, tokenize.ENCODING}
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    text = "\0".join(f"{token.type} {token.string.strip()}" for token in tokens if token.type not in skipped)
    return hashlib.sha256(text.encode()).hexdigest()


def load(name: str) -> type[Implementation]:
    """The one subclass of Implementation that the file defines; imports what the file imports."""
    module = importlib.import_module(f"impls.{name.replace('/', '.')}")
    classes = [
        item
        for item in vars(module).values()
        if isinstance(item, type) and issubclass(item, Implementation) and item.__module__ == module.__name__
    ]
    if len(classes) != 1:
        raise TypeError(
            f"impls/{name}.py must define exactly one subclass of Implementation; it defines {len(classes)}."
        )
    return classes[0]


def choose_workloads(patterns: Sequence[str]) -> list[Workload]:
    """The workloads whose names match any of the shell patterns; UnknownNameError for a pattern that matches none."""
    return [workloads()[name] for name in _choose("workload", patterns, workloads())]


def choose_implementations(patterns: Sequence[str], family: str) -> list[Entry]:
    """The implementations of a family whose names match any of the shell patterns, in the catalogue's order.

    A pattern that matches nothing in the whole catalogue raises UnknownNameError.
    """
    return [implementations()[name] for name in match_implementations(patterns) if name.startswith(f"{family}/")]


def match_implementations(patterns: Sequence[str]) -> list[str]:
    """The names that match any of the shell patterns; UnknownNameError for a pattern that matches none."""
    return _choose("implementation", patterns, _paths())


def _choose(kind: str, patterns: Sequence[str], names: Iterable[str]) -> list[str]:
    names = list(names)
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise _unknown(kind, pattern, names)
    return [name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns)]


def _unknown(kind: str, name: str, names: Iterable[str]) -> UnknownNameError:
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]}?" if close else f"there is {', '.join(names)}."
    return UnknownNameError(f"No {kind} is called {name!r}: {hint} `python -m bench list` shows them all.")
