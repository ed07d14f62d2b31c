"""The folder a run lives in: every file is written once, whole or not at all. Apart so that reports need nothing else."""

import contextlib
import errno
import fcntl
import math
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from bench import clock
from bench.results.profile import Machine, Profile
from bench.results.record import FORMAT, LossCurve, Plan, Race, Record
from impls.contract import catalogue

T = TypeVar("T")

CURE = "Move its folder away: a report goes on without it, and --resume measures that round again"
_FULL = (errno.ENOSPC, errno.EDQUOT)
_UNREADABLE = (ValueError, RecursionError)  # not JSON, not of the kind, not UTF-8; nested too deep


class StoreError(Exception):
    """A run, or a file of one, is not there, cannot be read or must not be used; the message names it and the cure."""


class WriteError(Exception):
    """A file of a run cannot be written, say because the disk is full; the message names the file and the cure."""


@dataclass(frozen=True)
class Store:
    """One run's folder.

    plan.json, environment.json      written first
    sources/<implementation>.txt     what was raced, as it was
    descents/<race>.json             the course of its job by the oracle
    records/<race>/round-001/*.json  one file an arm; the folder of a round appears whole when the round is over
    profiles/<race>/<arm>/           what profiling found: profile.json, and the files it names
    logs/                            what the arms printed
    """

    path: Path

    @staticmethod
    def create(results: Path) -> "Store":
        """A new folder with a name of its own below `results`.

        Raises StoreError when `results` is no place to write to, and WriteError when its disk is full.
        """
        name = clock.today().replace(":", "-").partition("+")[0] + "-" + secrets.token_hex(2)
        path = results / name
        try:
            path.mkdir(parents=True)
        except OSError as error:
            kind = WriteError if error.errno in _FULL else StoreError
            raise kind(
                f"Results cannot be written to {results}: {error.strerror}. Choose another folder with --results."
            ) from error
        return Store(path)

    @staticmethod
    def find(run: str, results: Path) -> "Store":
        """An existing run by path or by name below `results`; "latest" is the newest. Raises StoreError for no run."""
        if run == "latest":
            names = sorted(path.parent.name for path in results.glob("*/plan.json"))
            if not names:
                raise StoreError(f"There is no run in {results} yet: `python -m bench run` makes one.")
            return Store(results / names[-1])
        for path in (Path(run), results / run):
            if (path / "plan.json").is_file():
                return Store(path)
        raise StoreError(
            f"There is no run at {run}: a run is a folder with a plan.json. `ls {results}` shows those kept there."
        )

    @staticmethod
    def all(results: Path) -> "list[Store]":
        """Every run below `results`, by name; none where there is no such folder."""
        return [Store(path.parent) for path in sorted(results.glob("*/plan.json"))]

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else adds to the folder while this is open, or StoreError says so; cache/ goes as it closes."""
        with contextlib.ExitStack() as stack:
            folder = os.open(self.path, os.O_RDONLY)  # whoever ends, by whatever, lets go of it
            stack.callback(os.close, folder)
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise StoreError(f"Another process is measuring into {self.path}: let it end, or end it.") from error
            stack.callback(shutil.rmtree, self.path / "cache", ignore_errors=True)
            yield

    def write_plan(self, plan: Plan, environment: dict[str, Any]) -> None:
        """The two files that come first."""
        self.write("environment.json", pretty(environment))
        self.write("plan.json", pretty(plan))

    def write(self, name: str, content: bytes) -> None:
        """One file, whole or not at all: written beside, flushed to the disk, then renamed."""
        target = self.path / name
        beside = target.with_name(f".{target.name}.part")
        with writing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            with beside.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(target)
            _flush_folder(target.parent)

    def write_sources(self, implementations: Sequence[str]) -> None:
        """The files of these implementations as they are now."""
        for name in implementations:
            with contextlib.suppress(FileNotFoundError):  # a resumed plan may name one that is gone; its row says so
                self.write(f"sources/{name}.txt", (catalogue.ROOT / f"{name}.py").read_bytes())

    def source(self, implementation: str) -> str:
        """The file of an implementation as it was raced; empty when the run did not keep it."""
        path = self.path / "sources" / f"{implementation}.txt"
        return path.read_text("utf-8", errors="replace") if path.is_file() else ""

    def write_descent(self, race: Race, descent: LossCurve) -> None:
        """How the race's job goes by the oracle."""
        self.write(f"descents/{race.slug}.json", pretty(descent))

    def descent(self, race: Race) -> LossCurve | None:
        """How the race's job goes by the oracle; None when the run did not keep it. Raises StoreError for a bad file."""
        path = self.path / "descents" / f"{race.slug}.json"
        return read(path, LossCurve) if path.is_file() else None

    def write_round(self, race: Race, number: int, records: Sequence[Record]) -> None:
        """All records of a round; they appear together, by one rename. A round is never rewritten."""
        target = self._round(race, number)
        part = target.with_name(f".{target.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        with writing(target):
            part.mkdir(parents=True)
            for record in records:
                with (part / f"{record.arm.slug}.json").open("wb") as file:
                    file.write(pretty(record))
                    file.flush()
                    os.fsync(file.fileno())
            _flush_folder(part)
            part.rename(target)
            _flush_folder(target.parent)

    def profiled(self, race: Race, slug: str = "") -> Path:
        """The folder of an arm's profile, or of all of a race."""
        return self.path / "profiles" / race.slug / slug

    def write_profile(self, race: Race, profile: Profile) -> None:
        """What was found out about one arm; in the place of what an earlier profiling found."""
        self.write(f"profiles/{race.slug}/{profile.arm.slug}/profile.json", pretty(profile))

    def profiles(self, race: Race) -> tuple[list[Profile], list[str]]:
        """Every profile of a race that can be read, by name; and a sentence for each that cannot."""
        return _readable(sorted(self.profiled(race).glob("*/profile.json")), partial(read, kind=Profile))

    def write_machine(self, race: Race, machine: Machine) -> None:
        """What the cores of a race can do."""
        self.write(f"profiles/{race.slug}/machine.json", pretty(machine))

    def machine(self, race: Race) -> tuple[Machine | None, list[str]]:
        """What the cores of a race can do; None when nobody measured it, or with the sentence that it cannot be read."""
        found, complaints = _readable(sorted(self.profiled(race).glob("machine.json")), partial(read, kind=Machine))
        return next(iter(found), None), complaints

    def plan(self) -> Plan:
        """The run's plan."""
        return read(self.path / "plan.json", Plan)

    def environment(self) -> dict[str, Any]:
        """What the run was measured on; empty when the file is missing."""
        path = self.path / "environment.json"
        return read(path, dict[str, Any]) if path.exists() else {}

    def check_machine(self, here: dict[str, Any]) -> None:
        """Raises StoreError when going on would mix what two machines or two PyTorches measured.

        here  `environment.describe` of this moment
        """
        then = self.environment()
        for what, cure in (("machine", "resume it there"), ("python", "use that one"), ("packages", "install those")):
            if then.get(what) != here.get(what):
                raise StoreError(
                    f"{self.path} was begun with another {what}, so its rounds cannot be compared with new ones; {cure}, "
                    f"or start anew. Then: {then.get(what)}. Now: {here.get(what)}."
                )

    def records(self) -> tuple[list[Record], list[str]]:
        """Every record that can be read, in the order of races, rounds and names; and a sentence for each that cannot."""
        paths = sorted((self.path / "records").glob("*/round-*/*"), key=lambda path: path.parts)
        return _readable(paths, _record)

    def rounds(self, race: Race) -> dict[int, list[Record]]:
        """The finished rounds of a race. Raises StoreError when a record cannot be read: a resumed run must not guess."""
        found: dict[int, list[Record]] = {}
        for folder in sorted(self._round(race, 1).parent.glob("round-*")):
            found[int(folder.name.removeprefix("round-"))] = [_record(p) for p in sorted(folder.iterdir())]
        return found

    def log(self, race: Race, number: int, slug: str) -> Path:
        """Where an arm's output goes."""
        return self.path / "logs" / race.slug / f"round-{number:03d}" / f"{slug}.log"

    def _round(self, race: Race, number: int) -> Path:
        return self.path / "records" / race.slug / f"round-{number:03d}"


def pretty(value: Any) -> bytes:
    """Strict JSON for people and machines; what is not finite becomes null."""
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"


def read(path: Path, kind: type[T], newest: int = FORMAT) -> T:
    """A file, decoded once where nothing is wrong with it: reports read ten thousand. Raises StoreError for any other.

    newest  format that this looprace reads of such files
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}.") from error
    try:
        found = msgspec.json.decode(content, type=kind)
    except _UNREADABLE as error:
        _refuse_newer(path, _json(path, content), newest)
        raise StoreError(f"{path} is not a {kind.__name__.lower()} of looprace ({error}). {CURE}.") from error
    _refuse_newer(path, found, newest)
    return found


def _readable(paths: Iterable[Path], reading: Callable[[Path], T]) -> tuple[list[T], list[str]]:
    """What can be read of these files, and a sentence for each that cannot."""
    found, complaints = [], []
    for path in paths:
        try:
            found.append(reading(path))
        except StoreError as error:
            complaints.append(str(error))
    return found, complaints


def _record(path: Path) -> Record:
    """Raises StoreError too for blocks that no logarithm can be taken of, or that belong to no lap."""
    record = read(path, Record)
    timeless = record.blocks and not 0 < min(record.blocks) <= max(record.blocks) < math.inf
    if timeless or len(record.laps) != len(record.blocks) or (record.updates_per_block or 1) < 0:
        raise StoreError(f"{path} is not a record of looprace (its blocks are no times, or of no lap). {CURE}.")
    return record


def _json(path: Path, content: bytes) -> Any:
    try:
        return msgspec.json.decode(content)
    except _UNREADABLE as error:
        raise StoreError(f"{path} is cut short or is not JSON ({error}). {CURE}.") from error


def _refuse_newer(path: Path, found: Any, newest: int) -> None:
    number = found.get("format") if isinstance(found, dict) else getattr(found, "format", None)
    if isinstance(number, int) and number > newest:
        raise StoreError(
            f"{path} has format {number}; this looprace reads up to {newest}. Use a newer looprace to read it."
        )


@contextlib.contextmanager
def writing(target: Path) -> Iterator[None]:
    """Turns an OSError while a file is written into a WriteError that says which file, and what helps."""
    try:
        yield
    except OSError as error:
        raise WriteError(
            f"{target} cannot be written: {error.strerror}. Make room or choose another folder with --results; "
            "finished rounds are kept, --resume goes on from them."
        ) from error


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
