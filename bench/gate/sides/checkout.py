"""Makes the two sides of a gate: four plain folders of files, and the measuring code that all of them are measured with.

Apart from the race, which starts workers in them and asks no more. A side has two copies, for where a file lies can change
how fast it runs: the rounds swap them. Their paths say nothing of which side they are.
"""

import hashlib
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path, PurePosixPath

from msgspec import Struct

from bench.gate.sides.git import Repository, short
from bench.gate.sides.git import SideError as SideError
from bench.results.gate import FORMAT, Role, Side
from bench.results.store import read
from bench.runner.worker_process import ROOT, Origin

WORKING_TREE = "the working tree"
COPIES = 2  # of each side
OWN = ("bench", "reports")  # what measures and what shows: this checkout's, whatever the sides have by these names


class Prepared(Struct, frozen=True, kw_only=True):
    """The two sides on disk, ready to be raced; kept as sides.json.

    notes    sentences about what is compared, for the reader
    project  where the files came from: nothing may be imported from there
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
) -> Prepared:
    """Writes both sides below target/sides, and the instrument; SideError says what stands in the way.

    project      the root of a git repository
    folder       below it, where `impls` lies
    base         a revision; raced is where the head left it, so that what was merged there since is nobody's fault
    head         a revision; None: the working tree as it is. With a `base_python` and no head: the base once more, so
                 that one revision is raced in two environments
    base_python  and head_python: interpreters; None: this one
    """
    target, repository, inside = target.resolve(), Repository.at(project), PurePosixPath(folder or ".")
    if inside.is_absolute() or ".." in inside.parts:
        raise SideError(f"the folder {folder!r} does not lie inside the project: name it from the project's root")
    if os.pathsep in str(target):
        raise SideError(f"{target} holds {os.pathsep!r}, which ends a path for Python: keep results in another folder")
    notes: list[str] = []
    pythons = _interpreter(base_python or sys.executable, "base"), _interpreter(head_python or sys.executable, "head")
    if head is None and base_python is not None:
        head = base
        notes.append(f"both sides are {base}: what is compared is what they run in")
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
            digest=_settle(target, copies[role], f"the {role}, {name},", inside, python),
        )

    then = side("base", base, commit, pythons[0])
    now = side("head", head or WORKING_TREE, None if changed else tip, pythons[1])
    instrument(target, *pythons)
    return Prepared(base=then, head=now, notes=tuple(notes), project=str(repository.root))


def again(target: Path) -> Prepared:
    """What was laid out and kept there before; SideError when files are not what they were, StoreError for a bad sides.json."""
    prepared = read(target / "sides.json", Prepared, FORMAT)
    for side in (prepared.base, prepared.head):
        if any(digest(target / copy) != side.digest for copy in side.copies):
            raise SideError(
                f"the files of the {side.role} below {target / 'sides'} are not what they were: start a new gate"
            )
    return prepared


def pyproject(target: Path, side: Side) -> Path | None:
    """The pyproject.toml that is nearest to a side's `impls`; None where it has none."""
    copy = target / side.copies[0]
    files = (copy / side.folder / "pyproject.toml", copy / "pyproject.toml")
    return next((file for file in files if file.is_file()), None)


def instrument(target: Path, *pythons: str) -> Path:
    """The folder of what this checkout measures and reports with, as it was when first asked for: later edits change nothing.

    pythons  interpreters it is compiled for; none: this one
    """
    place = target.resolve() / "instrument"
    _hidden(place)
    for name in OWN:
        if not (place / name).exists():
            unfinished = place / "unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            shutil.copytree(ROOT / name, unfinished, ignore=shutil.ignore_patterns("__pycache__", "published"))
            unfinished.rename(place / name)
    for python in dict.fromkeys(pythons or (sys.executable,)):
        _compile(python, place)
    return place


def origin(target: Path, side: Side, copy: int) -> Origin:
    """Where a worker of a side comes from, in one of its copies.

    The instrument comes first: the side may have a `bench` of its own. The project's own package is found at its root
    or in src/; both are always named, so that the environment has one size for all copies.
    """
    place = target.resolve() / side.copies[copy]
    path = (target.resolve() / "instrument", place / side.folder, place, place / "src")
    return Origin(python=side.python, folder=place / side.folder, path=tuple(dict.fromkeys(path)))


def digest(folder: Path) -> str:
    """SHA-256 of all files below a folder: paths, contents, and whether they can be executed; compiled ones aside."""
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


def _settle(target: Path, copies: tuple[str, ...], who: str, inside: PurePosixPath, python: str) -> str:
    """Makes the other copies of a side from its first, compiles them all, and tells their digest."""
    first, *others = (target / copy for copy in copies)
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
            f"{who} has {(impls / 'contract.py').as_posix()}, as an older looprace had it, and this one needs "
            f"{(impls / 'contract').as_posix()}/; choose a base from after that move, or run the gate of a checkout that is "
            "as old as the base"
        )


def _compile(python: str, *folders: Path) -> None:
    """So that neither side compiles while it starts. A file that does not compile is left to its arm, whose row says so."""
    how = ("-P", "-m", "compileall", "-f", "-q", "-q", "--invalidation-mode", "unchecked-hash")
    subprocess.run([python, *how, *map(str, folders)], cwd=folders[0], capture_output=True, check=False)


def _hidden(folder: Path) -> None:
    """Makes a folder that git ignores, for results may be kept inside a project that does not ignore them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".gitignore").write_text("*\n", encoding="utf-8")


def _interpreter(python: str, role: Role) -> str:
    """The path of an interpreter that runs; a link stays one, for an environment is known by it."""
    found = shutil.which(python)
    if found is None:
        raise SideError(
            f"there is no interpreter {python} for the {role}: name a python to run, such as .venv/bin/python"
        )
    try:
        done = subprocess.run([found, "-P", "-c", ""], capture_output=True, text=True, check=False, timeout=60)
        said = "" if done.returncode == 0 else (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[0]
    except (OSError, subprocess.TimeoutExpired) as error:
        said = str(error)
    if said:
        raise SideError(f"{python} does not run as Python for the {role}, 3.11 or newer is needed: {said}")
    return str(Path(found).absolute())
