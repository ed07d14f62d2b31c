"""The folder of a run: it writes each file whole or not at all, and checks each file that it reads."""

import contextlib
import errno
import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from bench import clock
from bench.results import files, impossible
from bench.results.climb import Climb
from bench.results.examined import Examined
from bench.results.profile import Machine, Profile
from bench.results.record import FORMAT, LossCurve, Plan, Race, Record
from impls.contract import catalogue

T = TypeVar("T")

CURE = "Move its folder away: reports then leave that round out, and --resume measures it again"
ROUND = re.compile(r"round-\d{3,9}", re.ASCII)  # the name of a round's folder
_FULL = (errno.ENOSPC, errno.EDQUOT)
_UNREADABLE = (ValueError, RecursionError)  # not JSON, not of the kind, not UTF-8; nested too deep


class StoreError(Exception):
    """A run, or a file of one, is not there, cannot be read or must not be used; the message names it and the cure."""


class WriteError(Exception):
    """A file of a run cannot be written, say because the disk is full; the message names the file and the cure."""


@dataclass(frozen=True)
class Store:
    """The folder of one run.

    plan.json, environment.json      written first
    sources/<implementation>.txt     the source of each arm at the time of the run
    steps/<race>.txt                 the file of each race's step at the time of the run
    examined/<race>.json             what was found out about the step before
    descents/<race>.json             the loss curve of the race's job, by the oracle
    records/<race>/round-001/*.json  one file for each arm; a round's folder appears, complete, when the round is over
    profiles/<race>/<arm>/           the arm's profile: profile.json, and the files it names
    scripts/<race>/<arm>.py          shows without looprace why an answer is different
    logs/                            what the arms printed
    climb/<race>/                    climb.json, and a run for each stage of the climb that begins with the race

    caches  where what was compiled is kept while it is measured; None: in its own cache/
    """

    path: Path
    caches: Path | None = None

    @staticmethod
    def create(results: Path) -> "Store":
        """A new folder below `results`, named by the time and a random number.

        Raises StoreError when `results` is not a folder that can be written to, and WriteError when its disk is full.
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
        return Store(find_folder(run, results, "run", "plan.json", "python -m bench run"))

    @staticmethod
    def all(results: Path) -> "list[Store]":
        """Every run below `results`, sorted by name; none where there is no such folder."""
        return [Store(path.parent) for path in sorted(results.glob("*/plan.json"))]

    @property
    def cache(self) -> Path:
        """The folder for what is compiled while the run is measured."""
        return self.caches or self.path / "cache"

    @contextlib.contextmanager
    def alone(self, *, keep_cache: bool = False) -> Iterator[None]:
        """Keeps other processes from measuring into the folder; cache/ is removed at the end. StoreError when one does.

        keep_cache  for a further measurement that needs what was compiled
        """
        with contextlib.ExitStack() as stack:
            folder = os.open(self.path, os.O_RDONLY)  # the lock ends with the process, however that ends
            stack.callback(os.close, folder)
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise StoreError(f"Another process is measuring into {self.path}: let it end, or end it.") from error
            if not keep_cache:
                stack.callback(shutil.rmtree, self.path / "cache", ignore_errors=True)
            yield

    def write_plan(self, plan: Plan, environment: dict[str, Any]) -> None:
        """Writes plan.json and environment.json; a folder with a plan.json is a run."""
        self.write("environment.json", pretty(environment))
        self.write("plan.json", pretty(plan))

    def write(self, name: str, content: bytes) -> None:
        """Writes one file whole or not at all: under another name, flushed to the disk, then renamed. Raises WriteError."""
        target = self.path / name
        with writing(target):
            files.write(target, content)

    def write_sources(self, implementations: Sequence[str]) -> None:
        """Keeps the source files of these implementations as they are now."""
        for name in implementations:
            # a resumed plan may name a file that is gone; the arm's row says so
            if name in catalogue.implementations():
                self.write(f"sources/{name}.txt", (catalogue.ROOT / f"{name}.py").read_bytes())

    def source(self, implementation: str) -> str:
        """The source of an implementation at the time of the run; empty when the run did not keep it."""
        path = self.path / "sources" / f"{implementation}.txt"
        return path.read_text("utf-8", errors="replace") if path.is_file() else ""

    def write_step(self, race: Race, content: bytes) -> None:
        """Keeps the file of a race's step as it is now."""
        self.write(f"steps/{race.slug}.txt", content)

    def step(self, race: Race) -> str:
        """The file of a race's step at the time of the run; empty for an exact workload, or when the run did not keep it."""
        path = self.path / "steps" / f"{race.slug}.txt"
        return path.read_text("utf-8", errors="replace") if path.is_file() else ""

    def write_loss_curve(self, race: Race, loss_curve: LossCurve) -> None:
        """Writes the exact loss curve of a race's job."""
        self.write(f"descents/{race.slug}.json", pretty(loss_curve))

    def loss_curve(self, race: Race) -> LossCurve | None:
        """The exact loss curve of a race's job; None when the run did not keep it. Raises StoreError for a bad file."""
        path = self.path / "descents" / f"{race.slug}.json"
        return read(path, LossCurve) if path.is_file() else None

    def write_examined(self, race: Race, examined: Examined) -> None:
        """Writes what was found out about the step of a race before it was raced."""
        self.write(f"examined/{race.slug}.json", pretty(examined))

    def examined(self, race: Race) -> Examined | None:
        """What was found out about the step of a race; None for an exact workload. Raises StoreError for a bad file."""
        path = self.path / "examined" / f"{race.slug}.json"
        return read(path, Examined) if path.is_file() else None

    def write_climb(self, climb: Climb) -> None:
        """Writes what the climb from a race has decided so far, over what it had before."""
        self.write(f"climb/{climb.race.slug}/climb.json", pretty(climb))

    def climb(self, race: Race) -> Climb | None:
        """What the climb from a race decided; None where there was none. Raises StoreError for a bad file."""
        path = self.path / "climb" / race.slug / "climb.json"
        return read(path, Climb) if path.is_file() else None

    def write_round(self, race: Race, number: int, records: Sequence[Record]) -> None:
        """Writes all records of a round; one rename makes them appear together. Raises WriteError for a round that exists."""
        if not self.path.is_dir():  # an arm may have done that: a round in a new folder would have no plan beside it
            raise StoreError(f"{self.path} was removed while it was measured: start a new run.")
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
            files.flush_folder(part)
            part.rename(target)
            files.flush_folder(target.parent)

    def profiled(self, race: Race, slug: str = "") -> Path:
        """The folder of an arm's profile, or that of all profiles of a race."""
        return self.path / "profiles" / race.slug / slug

    def write_profile(self, race: Race, profile: Profile) -> None:
        """Writes the profile of one arm, over an earlier one."""
        self.write(f"profiles/{race.slug}/{profile.arm.slug}/profile.json", pretty(profile))

    def profiles(self, race: Race) -> tuple[list[Profile], list[str]]:
        """Every profile of a race that can be read, sorted by name, and a sentence for each that cannot."""
        return _readable(sorted(self.profiled(race).glob("*/profile.json")), partial(read, kind=Profile))

    def write_machine(self, race: Race, machine: Machine) -> None:
        """Writes how fast a race's cores can compute and read memory."""
        self.write(f"profiles/{race.slug}/machine.json", pretty(machine))

    def machine(self, race: Race) -> tuple[Machine | None, list[str]]:
        """How fast a race's cores can compute and read memory, if it was measured; and a sentence if it cannot be read."""
        machines, complaints = _readable(sorted(self.profiled(race).glob("machine.json")), partial(read, kind=Machine))
        return next(iter(machines), None), complaints

    def plan(self) -> Plan:
        """The run's plan. Raises StoreError for a bad file."""
        plan = read(self.path / "plan.json", Plan)
        if wrong := impossible.plan(plan):
            raise StoreError(f"{self.path / 'plan.json'} is not a plan of looprace ({wrong}). {CURE}.")
        return plan

    def environment(self) -> dict[str, Any]:
        """The machine and the software that the run was measured on; empty when the file is missing.

        Raises StoreError for a bad file, also one whose parts have another shape than they are written in.
        """
        path = self.path / "environment.json"
        if not path.exists():
            return {}
        environment = read(path, dict[str, Any])
        try:
            msgspec.convert(environment, type=impossible.Environment)
        except msgspec.ValidationError as error:
            raise StoreError(f"{path} is not an environment of looprace ({error}). {CURE}.") from error
        return environment

    def check_machine(self, now: dict[str, Any]) -> None:
        """Raises StoreError when a resumed run would mix rounds of two machines, two Pythons or two PyTorches.

        now  `environment.describe` of this moment
        """
        then = self.environment()
        for what, cure in (("machine", "resume it there"), ("python", "use that one"), ("packages", "install those")):
            if then.get(what) != now.get(what):
                raise StoreError(
                    f"{self.path} was begun with another {what}, so its rounds cannot be compared with new ones; {cure}, "
                    f"or start a new run. Then: {then.get(what)}. Now: {now.get(what)}."
                )

    def records(self) -> tuple[list[Record], list[str]]:
        """Every record that can be read, sorted by race, round and name, and a sentence for each that cannot."""
        paths = sorted((self.path / "records").glob("*/round-*/*"), key=lambda path: path.parts)
        return _readable(paths, self.record)

    @staticmethod
    def record(path: Path) -> Record:
        """A record. Raises StoreError also for numbers that cannot be true, and for a record of another round."""
        record = read(path, Record)
        wrong = impossible.record(record)
        if path.parent.name != _folder_of(record.round):  # else a copied folder would count as one more round
            wrong = f"it is of round {record.round}, and lies in {path.parent.name}"
        if wrong:
            raise StoreError(f"{path} is not a record of looprace ({wrong}). {CURE}.")
        return record

    def rounds(self, race: Race) -> dict[int, list[Record]]:
        """The records of a race's finished rounds, by number. Raises StoreError when one of them cannot be read."""
        folders = sorted(self._round(race, 1).parent.glob("round-*"))
        if strange := [folder for folder in folders if not (ROUND.fullmatch(folder.name) and folder.is_dir())]:
            raise StoreError(f"{strange[0]} is not the folder of a round of looprace. {CURE}.")
        return {int(folder.name.removeprefix("round-")): self.round(folder) for folder in folders}

    def round(self, folder: Path) -> list[Record]:
        """The records in the folder of a round. Raises StoreError when one cannot be read, or is no longer there."""
        records = [self.record(path) for path in sorted(folder.iterdir())]
        wrote = max((record.records for record in records), default=0)
        if not records or wrote > len(records):
            raise StoreError(f"{folder} has {len(records)} records of {wrote or 'some'}: others were deleted. {CURE}.")
        return records

    def log(self, race: Race, number: int, slug: str) -> Path:
        """The file for what an arm prints in a round."""
        return self.path / "logs" / race.slug / _folder_of(number) / f"{slug}.log"

    def _round(self, race: Race, number: int) -> Path:
        return self.path / "records" / race.slug / _folder_of(number)


def find_folder(name: str, results: Path, kind: str, file: str, command: str) -> Path:
    """The folder of a run or a gate, by path or by name below `results`; "latest" is the newest.

    kind     "run" or "gate"
    file     that every folder of the kind has: "plan.json"
    command  that makes one

    Raises StoreError where there is none, or where it holds a link.
    """
    places = [Path(name), results / name] if name else []
    if name == "latest":
        places = sorted(path.parent for path in results.glob(f"*/{file}"))[-1:]
        if not places:
            raise StoreError(f"There is no {kind} in {results} yet: `{command}` makes one.")
    for path in places:
        with contextlib.suppress(OSError):  # a name that is too long to be one
            if (path / file).is_file():
                refuse_links(path)
                return path
    raise StoreError(
        f"There is no {kind} at {name}: a {kind} is a folder with a {file}. `ls {results}` shows those kept there."
    )


def refuse_links(folder: Path) -> None:
    """Raises StoreError where a folder, which may be a stranger's, holds anything but folders and regular files."""
    if (found := files.first_link(folder)) is not None:
        raise StoreError(
            f"{found} is a link, a pipe or a device, which no run or gate holds: it could lead anywhere. Remove it, or ask "
            "whoever made the folder what it is for."
        )


def pretty(value: Any) -> bytes:
    """Strict, indented JSON; numbers that are not finite become null."""
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"


def read(path: Path, kind: type[T], newest: int = FORMAT) -> T:
    """The content of a JSON file, checked against its type. Raises StoreError when it cannot be read.

    newest  the newest format of such files that this looprace reads
    """
    try:
        content = files.read(path)
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror or error}.") from error
    try:
        value = msgspec.json.decode(content, type=kind)  # only once, for reports read ten thousand files
    except _UNREADABLE as error:
        _refuse_newer(path, _json(path, content), newest)
        words = re.sub("(?<=[a-z])(?=[A-Z])", " ", kind.__name__).lower()
        raise StoreError(f"{path} is not a {words} of looprace ({error}). {CURE}.") from error
    _refuse_newer(path, value, newest)
    return value


def _readable(paths: Iterable[Path], reading: Callable[[Path], T]) -> tuple[list[T], list[str]]:
    """The contents of the files that can be read, and a sentence for each that cannot."""
    contents, complaints = [], []
    for path in paths:
        try:
            contents.append(reading(path))
        except StoreError as error:
            complaints.append(str(error))
    return contents, complaints


def _folder_of(number: int) -> str:
    """The name of a round's folder."""
    return f"round-{number:03d}"


def _json(path: Path, content: bytes) -> Any:
    try:
        return msgspec.json.decode(content)
    except _UNREADABLE as error:
        raise StoreError(f"{path} is cut short or is not JSON ({error}). {CURE}.") from error


def _refuse_newer(path: Path, value: Any, newest: int) -> None:
    number = value.get("format") if isinstance(value, dict) else getattr(value, "format", None)
    if isinstance(number, int) and number > newest:
        raise StoreError(
            f"{path} has format {number}; this looprace reads up to {newest}. Use a newer looprace to read it."
        )


@contextlib.contextmanager
def writing(target: Path) -> Iterator[None]:
    """Turns an OSError while a file is written into a WriteError that names the file and the cure."""
    try:
        yield
    except OSError as error:
        raise WriteError(
            f"{target} cannot be written: {error.strerror}. Make room, or choose another folder (--results; of a report "
            "--out). Finished rounds are kept, and --resume continues after them."
        ) from error
