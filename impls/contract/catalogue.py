"""What can be raced: the workloads and implementations below `impls`, each named by its path.

Files are read, not run, and no framework is loaded until `load` imports an implementation.
"""

import ast
import difflib
import hashlib
import importlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from impls.contract import Domain, Implementation, Work, Workload
from impls.contract.declarations import declaration
from impls.contract.dependencies import ANYTHING, arm_modules, dependencies, module_name, parse

ROOT = Path(__file__).parents[1]
PLACES = (ROOT.parent,)  # where the modules of `impls` are looked for
RESERVED = {"__init__", "workload", "kernels"}  # files of a family's folder that are no implementations

# How to install what an implementation imports, where the name of the package is not that of the module.
PACKAGES = {"sklearn": "scikit-learn"}


def family_of(name: str) -> str:
    """The folder that a workload or an implementation of this name lies in: "linear" for "linear/manual"."""
    return name.partition("/")[0]


class UnknownNameError(ValueError):
    """A name or a pattern matches nothing in the catalogue; the message names what comes close."""


@dataclass(frozen=True)
class Entry:
    """What can be known of an implementation without running it.

    name       "linear/manual": the path below `impls`, without its ending
    summary    first line of the module's docstring
    needs      top-level packages it imports, standard library and this project aside
    domain     where it can be raced
    work       faithful, algorithmic or floor
    complaint  why its domain or its work cannot be read, and the cure; "" when they can. Loading it raises this.
    """

    name: str
    summary: str
    needs: tuple[str, ...] = ()
    domain: Domain = Implementation.domain
    work: Work = Implementation.work
    complaint: str = ""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the code of every file in `dependencies_of`: comments, docstrings and layout do not change it."""
        return _fingerprint(self.name)

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
    loaded: dict[str, Workload] = {}
    complaints = []
    for folder in families():
        try:
            module = importlib.import_module(f"impls.{folder.name}.workload")
            loaded |= {workload.name: workload for workload in module.WORKLOADS}
        except Exception as error:  # noqa: BLE001 - whatever one family raises, the others can be raced
            complaints.append(f"impls/{folder.name}/workload.py cannot be loaded: {type(error).__name__}: {error}")
    return loaded, tuple(complaints)


@cache
def implementations() -> dict[str, Entry]:
    """Every implementation by name. A file is read, not run, so that one broken file hides no other."""
    return {name: _read(name) for name in _files()}


def entry(name: str) -> Entry:
    """One implementation, by reading no other file than those it is built on; UnknownNameError where there is none."""
    if name not in _files():
        raise _unknown("implementation", name, _files())
    return _read(name)


def files(impls: Path = ROOT) -> dict[str, Path]:
    """The file of every implementation by name, in the order of the names; read by path alone.

    impls  the folder that the families lie in
    """
    paths = [path for family in families(impls) for path in sorted(family.glob("*.py"))]
    own = [path for path in paths if path.stem.isidentifier() and path.stem not in RESERVED]
    return {path.relative_to(impls).with_suffix("").as_posix(): path for path in own}


def families(impls: Path = ROOT) -> list[Path]:
    """The folders below `impls` that hold workloads and ways to carry them out: those with a workload.py."""
    return [path.parent for path in sorted(impls.glob("*/workload.py"))]


@cache
def _files() -> dict[str, Path]:
    return files()


@cache
def _read(name: str) -> Entry:
    """What the file says of itself. Where it, or a file that it imports, cannot be read, the summary says so."""
    own = _files()[name]
    sources = dependencies([module_name(name)], PLACES, _is_built_on)
    if own not in sources:
        return Entry(name, "cannot be read: it is a broken link, or a folder of the same name lies beside it")
    for path, source in sources.items():
        if source.fault:
            where = "" if path == own else f"it is built on {path.relative_to(ROOT.parent).as_posix()}: "
            return Entry(name, f"cannot be read: {where}{source.fault}", ())
    declared = declaration(module_name(name), PLACES)
    packages = {module.partition(".")[0] for module in sources[own].imports} - {"impls", ANYTHING}
    return Entry(
        name=name,
        summary=(ast.get_docstring(parse(sources[own].content, own.name)) or "no docstring").partition("\n")[0],
        needs=tuple(sorted(packages - set(sys.stdlib_module_names))),
        domain=declared.domain,
        work=declared.work,
        complaint=declared.complaint,
    )


def _is_own(module: str) -> bool:
    """Whether a module lies in `impls`: what an arm imports from elsewhere is installed, and known by its version."""
    return module.partition(".")[0] == "impls"


def _is_built_on(module: str) -> bool:
    """Whether an entry tells of a fault in this module; of one in the contract, every entry would."""
    return _is_own(module) and not module.startswith("impls.contract")


def dependencies_of(*names: str) -> dict[str, str]:
    """The fingerprint of each file of `impls` that running these implementations depends on, by its path from the checkout."""
    modules = [module for name in names for module in arm_modules(family_of(name), name)]
    sources = dependencies(modules, PLACES, _is_own)
    return {path.relative_to(ROOT.parent).as_posix(): sources[path].fingerprint for path in sorted(sources)}


@cache
def _fingerprint(name: str) -> str:
    lines = [name, *(f"{path} {one}" for path, one in dependencies_of(name).items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def load(name: str) -> type[Implementation]:
    """The one subclass of Implementation that the file defines; imports what the file imports.

    Raises TypeError, with the cure, for a file with none or several, and for one whose work or domain is not what
    reading it tells: the plan of a run goes by that.
    """
    module = importlib.import_module(module_name(name))
    classes = [
        item
        for item in vars(module).values()
        if isinstance(item, type) and issubclass(item, Implementation) and item.__module__ == module.__name__
    ]
    if len(classes) != 1:
        raise TypeError(
            f"impls/{name}.py must define exactly one subclass of Implementation; it defines {len(classes)}."
        )
    read = entry(name)
    if read.complaint:
        raise TypeError(read.complaint)
    if (classes[0].domain, classes[0].work) != (read.domain, read.work):
        raise TypeError(
            f"impls/{name}.py: {classes[0].__name__} has other values of domain and work than its body sets: "
            "set them there, as literals, and nowhere else."
        )
    return classes[0]


def choose_workloads(patterns: Sequence[str]) -> list[Workload]:
    """The workloads whose names match any of the shell patterns; UnknownNameError for a pattern that matches none."""
    return [workloads()[name] for name in _choose("workload", patterns, workloads())]


def choose_implementations(patterns: Sequence[str], family: str) -> list[Entry]:
    """The implementations of a family whose names match any of the shell patterns, in the catalogue's order.

    A pattern that matches nothing in the whole catalogue raises UnknownNameError.
    """
    return [implementations()[name] for name in match_implementations(patterns) if family_of(name) == family]


def match_implementations(patterns: Sequence[str]) -> list[str]:
    """The names that match any of the shell patterns; UnknownNameError for a pattern that matches none."""
    return _choose("implementation", patterns, _files())


def _choose(kind: str, patterns: Sequence[str], names: Iterable[str]) -> list[str]:
    names = list(names)
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise _unknown(kind, pattern, names)
    return [name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns)]


def _unknown(kind: str, name: str, names: Iterable[str]) -> UnknownNameError:
    """The error for a name that nothing has: it names what is close, or else the families or what is nearest."""
    known = sorted({family_of(each) for each in names})
    by_key = {each if "/" in name else each.rpartition("/")[2]: each for each in names}
    close = difflib.get_close_matches(name, by_key, n=3, cutoff=0.0)
    if difflib.get_close_matches(name, close, n=1, cutoff=0.75):
        hint = f"did you mean {by_key[close[0]]}?"
    elif "/" in name and family_of(name) not in known:
        hint = f"there is no family {family_of(name)}; there is {' and '.join(known)}."
    else:
        hint = f"the nearest names are {', '.join(by_key[key] for key in close)}."
    return UnknownNameError(f"No {kind} is called {name!r}: {hint} `python -m bench list` shows them all.")
