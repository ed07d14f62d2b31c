"""Proves, before anything is raced, that each side runs its own code, and both the same measuring code.

Apart from making the sides: an editable install, a path or a link can make two sides one, and a gate that races the same
code twice reports no change, which reads as success.
"""

import json
import os
import subprocess
import sys
from collections.abc import Set
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from msgspec.structs import replace

from bench.gate.sides import checkout, dependencies
from bench.gate.sides.checkout import Prepared
from bench.gate.sides.git import SideError
from bench.results.gate import ROLES, Side
from bench.runner.worker_process import Origin
from impls.contract.catalogue import PACKAGES

PATIENCE = 300.0  # seconds that the imports may take; minutes, where torch comes from a slow disk for the first time
TOGETHER = 2  # processes


def survey(origin: Origin, packages: tuple[str, ...] = ()) -> dict[str, Any]:
    """What a fresh process there imports, and from where; SideError when it cannot.

    imported  {"impls.contract.task": file, "bench.worker.main": file, "torch": file, ...}
    found     {package: file or folder}: where these would be imported from; without those that are not there
    prefixes  folders of the interpreter's environment
    versions  {"python": "3.12.1", "torch": "2.13.0", ..., "instructions": "AVX2"}: the last, what torch's kernels use

    packages  top-level ones to look for
    """
    found: dict[str, Any] = json.loads(answered(origin, "bench.gate.sides.probe", *packages, doing="import torch"))
    if "failed" in found:
        raise SideError(_unimportable(origin.python, found["failed"], found["missing"], found["reason"]))
    return found


def answered(origin: Origin, module: str, *arguments: str, doing: str) -> bytes:
    """What a module writes into the file that is its first argument, in a fresh process there; SideError without an answer.

    doing  what it is asked to do, as "import torch"
    """
    with TemporaryDirectory(prefix="looprace-preflight-") as folder:
        answer = Path(folder, "answer.json")
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
            said = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise SideError(f"{origin.python} ended with status {done.returncode} while it was to {doing}: {said}")
        return answer.read_bytes()


def proved(target: Path, prepared: Prepared) -> Prepared:
    """The same with the versions of both sides filled in; SideError when a copy would not run what it holds.

    All copies are asked, in a process each: that `impls` comes from the copy and `bench` from the instrument, that no
    package the arms import comes from the project's own folder, and that no file of `impls` serves both sides.
    """
    asked = [(side, copy) for side in (prepared.base, prepared.head) for copy in range(len(side.copies))]
    target, project = target.resolve(), Path(prepared.project).resolve()
    # read here, one after the other: Python 3.11 cannot build two syntax trees at a time
    packages = [dependencies.packages(target / side.copies[copy] / side.folder) for side, copy in asked]
    with ThreadPoolExecutor(TOGETHER) as pool:
        found = list(pool.map(lambda each, names: _seen(target, project, each[0], each[1], names), asked, packages))
    seen = {role: [one for (side, _), one in zip(asked, found, strict=True) if side.role == role] for role in ROLES}
    base, head = (_files(seen[role]) for role in ROLES)
    if shared := base.keys() & head.keys():
        file = base[min(shared, key=base.__getitem__)]
        raise SideError(f"both sides import the very same file, {file}: one of them is a link to the other; copy it")
    filled = {role: replace(getattr(prepared, role), versions=seen[role][0]["versions"]) for role in ROLES}
    return replace(prepared, base=filled["base"], head=filled["head"])


def _seen(target: Path, project: Path, side: Side, copy: int, packages: Set[str]) -> dict[str, Any]:
    """What a copy's process sees, once nothing is wrong with it."""
    place, instrument = target / side.copies[copy], target / "instrument"
    names = tuple(sorted(packages - sys.stdlib_module_names))
    try:
        found = survey(checkout.origin(target, side, copy), names)
    except SideError as error:
        raise SideError(f"the {side.role}, {side.name}, cannot be raced: {error}") from None
    for name, file in found["imported"].items():
        own = {"impls": place, "bench": instrument}.get(name.partition(".")[0])
        if own and not Path(file).resolve().is_relative_to(own):
            raise SideError(
                f"the {side.role}, {side.name}, imports {name} from {file}, not from {own}: an installed copy or a link "
                "comes first; remove it"
            )
    environments = [Path(prefix).resolve() for prefix in found["prefixes"]]
    for name, file in found["found"].items():
        where = Path(file).resolve()
        if where.is_relative_to(project) and not any(map(where.is_relative_to, [target, *environments])):
            raise SideError(
                f"the {side.role}, {side.name}, would import {name} from {where}, which lies in the project and not in "
                f"its copy: both sides would run that; put it at the project's root or in src/, or {side.python} -m pip "
                f"uninstall {name} and install it as files, without -e"
            )
    return found


def _files(seen: list[dict[str, Any]]) -> dict[tuple[int, int], str]:
    """The files of `impls` that the copies of a side imported, by what the disk knows them by."""
    imported = [each for one in seen for each in one["imported"].items()]
    files = [file for name, file in imported if name.partition(".")[0] == "impls"]
    return {(status.st_dev, status.st_ino): file for file in files if (status := Path(file).stat())}


def _unimportable(python: str, failed: str, missing: str | None, reason: str) -> str:
    top = (missing or "").partition(".")[0]
    if top and top not in ("impls", "bench"):
        return f"{python} has no {top}, which {failed} imports: {python} -m pip install {PACKAGES.get(top, top)}"
    if failed.startswith("impls") or top == "impls":
        return f"its impls are not what this bench can measure, {failed} cannot be imported: {reason}; choose another revision"
    return f"{python} cannot import {failed}: {reason}; see what it needs, or choose another interpreter"
