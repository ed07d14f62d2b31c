"""Lays out the two sides of a gate in plain folders, and the code that measures them.

Each side has two copies, because the place of a file can change how fast it runs: rounds alternate between the copies. The
paths of the copies do not show which side they belong to.
"""

import hashlib
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from msgspec import Struct

from bench.gate.sides import step_files
from bench.gate.sides.git import Repository, short
from bench.gate.sides.git import SideError as SideError
from bench.processes.worker_process import ROOT, Origin
from bench.results.gate import FORMAT, Role, Side
from bench.results.store import read

WORKING_TREE = "the working tree"
COPIES = 2  # of each side
OWN = ("bench", "reports")  # this checkout's packages, used for both sides whatever the sides have by these names
ALL = ("bench", "impls", "reports")  # of a gate on steps, whose sides have nothing of looprace


class Prepared(Struct, frozen=True, kw_only=True):
    """The two sides on disk, ready to be raced; kept as sides.json.

    notes    sentences about what is compared, without a full stop
    project  the repository that the files came from; nothing may be imported from it
    """

    format: int = FORMAT
    base: Side
    head: Side
    notes: tuple[str, ...] = ()
    project: str = ""


def prepare(
    target: Path,
    *,
    project: Path,
    folder: str = "",
    base: str,
    head: str | None = None,
    base_python: str | None = None,
    head_python: str | None = None,
    steps: Mapping[str, str] = MappingProxyType({}),
) -> Prepared:
    """Writes both sides below target/sides, and the measuring code below target/instrument; SideError where it cannot.

    project      the root of a git repository
    folder       where `impls` lies, from that root
    base         a revision; the commit where the head left it is raced, so that later merges into it do not count
    head         a revision; None: the working tree as it is, or, with a `base_python`, the base once more, so that one
                 revision is raced in two environments
    base_python  and head_python: interpreters; None: this one
    steps        paths of the step files that are raced, by their names; {}: what lies in `impls` is raced
    """
    target, repository, inside = target.resolve(), Repository.at(project), PurePosixPath(folder or ".")
    if inside.is_absolute() or ".." in inside.parts:
        raise SideError(f"the folder {folder!r} does not lie inside the project: give its path from the project's root")
    if os.pathsep in str(target):
        raise SideError(f"{target} contains {os.pathsep!r}, which separates paths for Python: choose other --results")
    notes: list[str] = []
    pythons = interpreter(base_python or sys.executable, "base"), interpreter(head_python or sys.executable, "head")
    if head is None and base_python is not None:
        head = base
        notes.append(f"both sides are {base}: their environments are compared")
    commit, tip = repository.fork(base, head or "HEAD"), repository.commit(head or "HEAD")
    if commit != repository.commit(base):
        notes.append(f"the base is {short(commit)}, where the head left {base}")
    if left_out := dict.fromkeys(repository.submodules(commit) + repository.submodules(tip)):
        notes.append(f"submodules are left out on both sides: {', '.join(left_out)}")

    changed = head is None and repository.changed(without=target)
    shutil.rmtree(target / "sides", ignore_errors=True)
    _hidden(target / "sides")
    places = [f"sides/{number}" for number in random.sample(range(2 * COPIES), 2 * COPIES)]
    copies = {"base": tuple(places[:COPIES]), "head": tuple(places[COPIES:])}
    repository.export(commit, target / copies["base"][0])
    if head is None:
        repository.copy(target / copies["head"][0], without=target)
    else:
        repository.export(tip, target / copies["head"][0])

    def side(role: Role, name: str, which: str | None, python: str) -> Side:
        return Side(
            role=role,
            name=name,
            commit=which,
            changed=role == "head" and changed,
            python=python,
            folder="" if inside == PurePosixPath() else inside.as_posix(),
            copies=copies[role],
            digest=_complete(target, copies[role], f"the {role}, {name},", inside, python, steps),
            steps=dict(steps),
        )

    then = side("base", base, commit, pythons[0])
    now = side("head", head or WORKING_TREE, None if changed else tip, pythons[1])
    instrument(target, *pythons, packages=ALL if steps else OWN)
    return Prepared(base=then, head=now, notes=tuple(notes), project=str(repository.root))


def again(target: Path) -> Prepared:
    """The sides that were laid out there before; SideError when their files have changed, StoreError for a bad sides.json."""
    prepared = read(target / "sides.json", Prepared, FORMAT)
    if not (target / "instrument" / "bench" / "gate" / "sides").is_dir():
        raise SideError(f"{target} was begun by an older looprace: resume it with that one, or start a new gate")
    for side in (prepared.base, prepared.head):
        if any(digest(target / copy) != side.digest for copy in side.copies):
            raise SideError(f"the files of the {side.role} below {target / 'sides'} have changed: start a new gate")
    return prepared


def pyproject(target: Path, side: Side) -> Path | None:
    """The pyproject.toml beside a side's `impls`, else the one at its root; None where it has none."""
    copy = target / side.copies[0]
    files = (copy / side.folder / "pyproject.toml", copy / "pyproject.toml")
    return next((file for file in files if file.is_file()), None)


def instrument(target: Path, *pythons: str, packages: Sequence[str] = OWN) -> Path:
    """The folder with a copy of this checkout's measuring and reporting code; made once, so that later edits do not count.

    pythons   the interpreters that it is compiled for; none: this one
    packages  of this checkout that are copied
    """
    place = target.resolve() / "instrument"
    _hidden(place)
    for name in packages:
        if not (place / name).exists():
            unfinished = place / "unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            shutil.copytree(ROOT / name, unfinished, ignore=shutil.ignore_patterns("__pycache__", "published"))
            unfinished.rename(place / name)
    for python in dict.fromkeys(pythons or (sys.executable,)):
        _compile(python, place)
    return place


def origin(target: Path, side: Side, copy: int) -> Origin:
    """Where a worker of a side starts and what it imports from, in one of the side's copies.

    The instrument comes first, because the side may have a `bench` of its own. The project's own package is at its root or
    in src/; both are always named, so that the environment has the same size for all copies. A step finds its own
    imports by itself.
    """
    place = target.resolve() / side.copies[copy]
    if side.steps:
        return Origin(python=side.python, folder=place, path=(target.resolve() / "instrument",))
    path = (target.resolve() / "instrument", place / side.folder, place, place / "src")
    return Origin(python=side.python, folder=place / side.folder, path=tuple(dict.fromkeys(path)))


def digest(folder: Path) -> str:
    """SHA-256 of all files below a folder but compiled ones: of paths, contents, and whether they can be executed."""
    total = hashlib.sha256()
    for name in sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if "__pycache__" not in path.parts
    ):
        path = folder / name
        if path.is_symlink():
            kind, content = "link", os.fsencode(path.readlink())
        elif path.is_file():
            kind, content = "program" if path.stat().st_mode & 0o100 else "file", path.read_bytes()
        else:
            continue
        total.update(os.fsencode(name) + f"\0{kind}\0{hashlib.sha256(content).hexdigest()}\0".encode())
    return total.hexdigest()


def _complete(
    target: Path, copies: tuple[str, ...], who: str, inside: PurePosixPath, python: str, steps: Mapping[str, str]
) -> str:
    """Makes the other copies of a side from its first, compiles all of them, and returns their digest."""
    first, *others = (target / copy for copy in copies)
    if steps:
        step_files.check(first, steps, who)
    else:
        _check_layout(first, inside, who)
    for other in others:
        shutil.copytree(first, other, symlinks=True)
    _compile(python, first, *others)
    return digest(first)


def _check_layout(copy: Path, inside: PurePosixPath, who: str) -> None:
    """Raises SideError where a side has no `impls`, or one as an older looprace laid it out."""
    impls = inside / "impls"
    if not (copy / impls).is_dir():
        others = sorted(copy.glob("**/impls/contract/contract.py"))
        folders = [path.parents[2].relative_to(copy).as_posix() for path in others]
        hint = (
            f"did you mean the folder {folders[0]}?"
            if folders
            else "it must be a revision that has what is to be raced"
        )
        raise SideError(f"{who} has no folder {impls.as_posix()}; {hint}")
    if not (copy / impls / "contract").is_dir() and (copy / impls / "contract.py").is_file():
        raise SideError(
            f"{who} has {(impls / 'contract.py').as_posix()}, the layout of an older looprace, and this one needs "
            f"{(impls / 'contract').as_posix()}/; choose a base that has it, or run the gate from a checkout as old as the base"
        )


def _compile(python: str, *folders: Path) -> None:
    """Compiles all files, so that no side does so while it starts. A file with an error is reported by its arm, later."""
    how = ("-P", "-m", "compileall", "-f", "-q", "-q", "--invalidation-mode", "unchecked-hash")
    subprocess.run([python, *how, *map(str, folders)], cwd=folders[0], capture_output=True, check=False)


def _hidden(folder: Path) -> None:
    """Makes a folder that git ignores, because results may lie inside a project that does not ignore them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".gitignore").write_text("*\n", encoding="utf-8")


def interpreter(python: str, role: Role) -> str:
    """The absolute path of an interpreter that runs; links are kept, because a virtual environment is found by them."""
    path = shutil.which(python)
    if path is None:
        raise SideError(f"there is no interpreter {python} for the {role}: name one, such as .venv/bin/python")
    try:
        done = subprocess.run([path, "-P", "-c", ""], capture_output=True, text=True, check=False, timeout=60)
        fault = "" if done.returncode == 0 else (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[0]
    except (OSError, subprocess.TimeoutExpired) as error:
        fault = str(error)
    if fault:
        raise SideError(f"{python} does not run as Python 3.11 or newer for the {role}: {fault}")
    return str(Path(path).absolute())
