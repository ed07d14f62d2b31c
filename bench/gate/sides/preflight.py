"""Proves, before anything is raced, that each side runs its own code and both run the same measuring code.

An editable install, a path or a link can make both sides run the same code. Such a gate would report no change, which reads
as success.
"""

import os
import subprocess
import sys
from collections.abc import Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace as replaced
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from bench.gate.sides import checkout, dependencies
from bench.gate.sides.checkout import Prepared
from bench.gate.sides.git import SideError
from bench.processes import temporary
from bench.processes.worker_process import Origin
from bench.results.gate import ROLES, Side
from impls.contract.catalogue import PACKAGES
from impls.contract.dependencies import ANYTHING
from impls.recipe import step_file
from impls.recipe.step_file import import_roots

PATIENCE = 300.0  # seconds that the imports may take: the first load of torch from a slow disk takes minutes
TOGETHER = 2  # processes at a time


class Survey(Struct, frozen=True, kw_only=True):
    """What `probe.py` found in a fresh process of a copy.

    failed, missing, reason  the import that failed, the module that it lacks, and the message; empty where none failed
    imported                 {"impls.contract.task": file, "bench.worker.main": file, "torch": file, ...}
    packages                 {package: file or folder}: where the packages would be imported from, if they are installed
    prefixes                 the folders of the interpreter's environment
    versions                 {"python": "3.12.1", "torch": "2.13.0", ..., "instructions": "AVX2"}: the last is what torch's
                             kernels use
    """

    failed: str = ""
    missing: str | None = None
    reason: str = ""
    imported: dict[str, str] = {}
    packages: dict[str, str] = {}
    prefixes: tuple[str, ...] = ()
    versions: dict[str, str] = {}


def survey(origin: Origin, packages: tuple[str, ...] = ()) -> Survey:
    """What a fresh process there imports, and from where; SideError where an import fails.

    packages  top-level packages to look for
    """
    answer = answered(origin, "bench.gate.sides.probe", *packages, doing="import torch")
    result = msgspec.json.decode(answer, type=Survey)
    if result.failed:
        raise SideError(_unimportable(origin.python, result))
    return result


def answered(origin: Origin, module: str, *arguments: str, doing: str) -> bytes:
    """What a module, run in a fresh process there, writes into the file named by its first argument.

    doing  what it is to do, for the message: "import torch"

    Raises SideError where it writes nothing.
    """
    with temporary.folder() as folder:
        answer = folder / "answer.json"
        try:
            done = subprocess.run(
                [*origin.command, "-m", module, str(answer), *arguments],
                cwd=origin.folder,
                env=os.environ | origin.variables,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=PATIENCE,
            )
        except subprocess.TimeoutExpired:
            raise SideError(f"{origin.python} took longer than {PATIENCE:g} s to {doing}: try again") from None
        except OSError as error:
            raise SideError(f"{origin.python} cannot be started in {origin.folder}: {error}") from None
        if not answer.is_file():
            message = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise SideError(f"{origin.python} ended with status {done.returncode} when it had to {doing}: {message}")
        return answer.read_bytes()


def proved(target: Path, prepared: Prepared) -> Prepared:
    """The same sides with their versions filled in; SideError where a copy would not run its own files.

    Each copy is checked in a process of its own: `impls` must come from the copy and `bench` from the instrument, no package
    that the arms import may come from the project's folder, and no file of `impls` may serve both sides.
    """
    copies = [(side, copy) for side in (prepared.base, prepared.head) for copy in range(len(side.copies))]
    target, project = target.resolve(), Path(prepared.project).resolve()
    # Read in this thread, one after the other: Python 3.11 cannot build two syntax trees at a time.
    packages = [_packages(target / side.copies[copy], side) for side, copy in copies]
    with ThreadPoolExecutor(TOGETHER) as pool:
        surveys = list(
            pool.map(lambda pair, names: _survey_copy(target, project, pair[0], pair[1], names), copies, packages)
        )
    seen = {role: [it for (side, _), it in zip(copies, surveys, strict=True) if side.role == role] for role in ROLES}
    base, head = (_files(seen[role]) for role in ROLES) if not prepared.head.steps else ({}, {})
    if shared := base.keys() & head.keys():
        file = base[min(shared, key=base.__getitem__)]
        raise SideError(f"both sides import the very same file, {file}: one is a link to the other; make it a copy")
    filled = {role: replace(getattr(prepared, role), versions=seen[role][0].versions) for role in ROLES}
    return replace(prepared, base=filled["base"], head=filled["head"])


def _survey_copy(target: Path, project: Path, side: Side, copy: int, packages: Set[str]) -> Survey:
    """The survey of one copy; SideError where it imports from elsewhere."""
    place, instrument = target / side.copies[copy], target / "instrument"
    names = tuple(sorted(packages - sys.stdlib_module_names))
    origin = checkout.origin(target, side, copy)
    roots = [Path(root) for path in side.steps.values() for root in import_roots(place / path)]
    try:
        surveyed = survey(replaced(origin, path=(*origin.path, *dict.fromkeys(roots))), names)
    except SideError as error:
        raise SideError(f"the {side.role}, {side.name}, cannot be raced: {error}") from None
    for name, file in surveyed.imported.items():
        own = {"impls": instrument if side.steps else place, "bench": instrument}.get(name.partition(".")[0])
        if own and not Path(file).resolve().is_relative_to(own):
            raise SideError(
                f"the {side.role}, {side.name}, imports {name} from {file}, not from {own}: an installed copy or a link "
                "comes first; remove it"
            )
    environments = [Path(prefix).resolve() for prefix in surveyed.prefixes]
    for name, file in surveyed.packages.items():
        where = Path(file).resolve()
        if where.is_relative_to(project) and not any(map(where.is_relative_to, [target, *environments])):
            raise SideError(
                f"the {side.role}, {side.name}, would import {name} from {where}, which lies in the project and not in "
                f"its copy, so both sides would run it: move it to the project's root or to src/, or run {side.python} -m "
                f"pip uninstall {name} and install it without -e"
            )
    return surveyed


def _packages(copy: Path, side: Side) -> set[str]:
    """The top-level packages that what is raced on a side imports."""
    if not side.steps:
        return dependencies.packages(copy / side.folder)
    sources = [source for path in side.steps.values() for source in step_file.sources(copy / path).values()]
    return {module.partition(".")[0] for source in sources for module in source.imports} - {*checkout.ALL, ANYTHING, ""}


def _files(surveys: list[Survey]) -> dict[tuple[int, int], str]:
    """The files of `impls` that the copies of a side imported, by device and inode: equal ones are one file."""
    imported = [item for survey in surveys for item in survey.imported.items()]
    files = [file for name, file in imported if name.partition(".")[0] == "impls"]
    return {(status.st_dev, status.st_ino): file for file in files if (status := Path(file).stat())}


def _unimportable(python: str, survey: Survey) -> str:
    """The message about a survey whose imports failed, with the cure."""
    failed, reason = survey.failed, survey.reason
    top = (survey.missing or "").partition(".")[0]
    if top and top not in ("impls", "bench"):
        return f"{python} has no {top}, which {failed} imports: {python} -m pip install {PACKAGES.get(top, top)}"
    if failed.startswith("impls") or top == "impls":
        return (
            f"this bench cannot measure its impls, because {failed} cannot be imported: {reason}; choose another revision, or "
            "copy impls/contract from this checkout to it"
        )
    return f"{python} cannot import {failed}: {reason}; install what it needs, or choose another interpreter"
