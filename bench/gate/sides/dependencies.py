"""What an arm is made of on one side: the files it stands on, read and never run. Equal on both sides, it need not be raced.

Apart from the catalogue, which knows only the `impls` of this checkout. Seen are Python files; what they read or load
while they run, a data file or a compiled library, is not.
"""

import ast
import hashlib
import os
from collections.abc import Iterator
from functools import cache
from importlib.util import decode_source
from pathlib import Path

from impls.contract.catalogue import RESERVED, family_of, fingerprint

SEAM = ("impls.contract.contract", "impls.contract.setting", "impls.contract.schedule", "impls.contract.task")
INSTRUMENT = "bench"  # the same on both sides, whatever a side has by that name
LOADERS = {"import_module", "__import__"}
ANYTHING = "*"  # imported by a name that only running it would tell


def closure(root: Path, workload: str, implementation: str, top: Path | None = None) -> dict[str, str]:
    """The fingerprint of each file that running an arm stands on, by its path from `root`: "../src/" is beside it.

    The implementation, its workload, the seam, and whatever these import of the side's own, however many steps away:
    comments and layout do not change a fingerprint. A file with an import that cannot be read, say by a name that is
    computed, stands on every file of the side.

    root            the folder that holds `impls`
    workload        "linear/line"
    implementation  "linear/manual"; where the side has no such file, the rest is told
    top             of the side's files, where its own package lies, or in src/ there; None: the root
    """
    places = _places(root, top or root)
    modules = [*SEAM, f"impls.{family_of(workload)}.workload", f"impls.{implementation.replace('/', '.')}"]
    found: dict[Path, str] = {}
    seen: set[str] = set()
    while modules:
        module = modules.pop()
        if module in seen or module.partition(".")[0] in ("", INSTRUMENT):
            continue
        seen.add(module)
        for file, package in _files(places, module):
            if file not in found:
                found[file], imported = _read(file.read_bytes(), package)
                modules += imported
    if ANYTHING in seen:
        found |= {file: _read(file.read_bytes(), "")[0] for place in places for file in place.rglob("*.py")}
    return {os.path.relpath(file, root): found[file] for file in sorted(found)}


def differing(base: dict[str, str], head: dict[str, str]) -> tuple[str, ...]:
    """The paths that differ between two closures, or are in one of them only."""
    return tuple(path for path in sorted(base.keys() | head.keys()) if base.get(path) != head.get(path))


def names(root: Path) -> set[str]:
    """The implementations that a side has, whose `impls` lies in `root`, by their paths: "linear/manual"."""
    impls = root / "impls"
    files = (
        path
        for path in impls.glob("*/*.py")
        if path.stem.isidentifier() and path.stem not in RESERVED and path.parent.name != "contract"
    )
    return {path.relative_to(impls).with_suffix("").as_posix() for path in files}


def packages(root: Path) -> set[str]:
    """The top-level packages that the files of `impls` in `root` import, that aside; the standard library's too."""
    imported = [module for file in (root / "impls").rglob("*.py") for module in _read(file.read_bytes(), "impls")[1]]
    return {module.partition(".")[0] for module in imported} - {"impls", INSTRUMENT, ANYTHING}


def _places(root: Path, top: Path) -> list[Path]:
    """Where a worker of the side looks first, in that order; see `sides.origin`."""
    return list(dict.fromkeys((root, top, top / "src")))


def _files(places: list[Path], module: str) -> Iterator[tuple[Path, str]]:
    """The files that importing a module runs, its packages' included, each with the package it is in; by Python's rule.

    That is: the first place with a package or a file of the name; without any, all folders of the name.
    """
    name = ""
    for part in module.split("."):
        package, name = name, f"{name}.{part}".removeprefix(".")
        for place in places:
            if (file := place / part / "__init__.py").is_file():
                yield file, name
                places = [place / part]
                break
            if (file := place / f"{part}.py").is_file():
                yield file, package
                places = []
                break
        else:
            places = [place / part for place in places if (place / part).is_dir()]


@cache
def _read(content: bytes, package: str) -> tuple[str, tuple[str, ...]]:
    """A file's fingerprint, and what it imports; a file that is no Python: that of its bytes, and nothing."""
    try:
        source = decode_source(content)
        imported = tuple(sorted(set(_imported(ast.parse(source), package))))
        return fingerprint(source), imported
    except (SyntaxError, ValueError):
        return hashlib.sha256(content).hexdigest(), ()


def _imported(tree: ast.Module, package: str) -> Iterator[str]:
    """The modules that a file imports anywhere, by their whole names; of what it imports from a module, both names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = _absolute("." * node.level + (node.module or ""), package)
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names if alias.name != "*")
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in LOADERS:
            match node.args:
                case [ast.Constant(value=str(module)), *_]:
                    yield _absolute(module, package)
                case _:
                    yield ANYTHING


def _absolute(module: str, package: str) -> str:
    """A module as it is named from a file of the package: "..other" in "impls.linear" is "impls.other"."""
    name = module.lstrip(".")
    level = len(module) - len(name)
    if not level:
        return name
    above = package.split(".")[: len(package.split(".")) - level + 1]
    return ".".join([*above, *([name] if name else [])])
