"""Kills a process at every step of writing a run: before each change to a folder, and after every few bytes of a file.

The process is a fork of this one that kills itself, so nothing of the code that writes is replaced.
"""

import hashlib
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from bench.fault_exam.kills import TOOL
from bench.results.record import Plan, Race, Record
from bench.results.scores.faults import Kill
from bench.results.store import Store, StoreError

CHANGES = frozenset(
    ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "shutil.rmtree")
)  # Python's audit events
VICTIM = "while writing"
EVERY = 17  # bytes from one kill within a file to the next


def kills(plan: Plan, records: Sequence[Record], folder: Path) -> Iterator[Kill]:
    """Kills while a plan and two rounds of these records are written: once at each step, each time into a new folder."""
    race = plan.races[0]
    whole = folder / "whole"
    _write(Store(whole), plan, race, records)
    expected = _contents(whole)
    largest = max(len(path.read_bytes()) for path in whole.rglob("*") if path.is_file())
    for number in count(1):
        store = Store(folder / f"change-{number}")
        if not _dies(partial(_kill_at_change, number), partial(_write, store, plan, race, records)):
            break
        yield _seen(store, race, expected)
    for size in range(0, largest, EVERY):
        store = Store(folder / f"byte-{size}")
        if _dies(partial(_kill_at_byte, size), partial(_write, store, plan, race, records)):
            yield _seen(store, race, expected)


def _write(store: Store, plan: Plan, race: Race, records: Sequence[Record]) -> None:
    store.path.mkdir(exist_ok=True)
    store.write_plan(plan, {"machine": {}})
    for number in (1, 2):
        store.write_round(race, number, [replace(record, round=number) for record in records])


def _kill_at_change(number: int) -> None:
    """Makes this process kill itself just before its n-th change to the file system."""
    changes = count(1)

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        changing = event in CHANGES and (event != "open" or arguments[2] & (os.O_WRONLY | os.O_RDWR))
        if changing and next(changes) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


def _kill_at_byte(size: int) -> None:
    """Makes the kernel end this process when a file of it would grow beyond so many bytes; those are written before."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def _dies(prepare: Callable[[], None], run: Callable[[], None]) -> bool:
    """Whether a fork of this process, so prepared, was ended by a signal while it ran this."""
    pid = os.fork()
    if pid == 0:
        try:
            prepare()
            run()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


def _contents(folder: Path) -> dict[str, str]:
    """A hash of each record, by its path."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.glob("records/*/round-*/*.json")
    }


def _seen(store: Store, race: Race, expected: dict[str, str]) -> Kill:
    """What is left of a run whose writing was killed: every round that can be seen is whole, and all that is read is right."""
    left, unreadable = _contents(store.path), 0
    rounds = {str(Path(path).parent) for path in left}
    of_these = {path: content for path, content in expected.items() if str(Path(path).parent) in rounds}
    try:
        if (store.path / "plan.json").exists():
            store.plan()
            store.environment()
        store.rounds(race)
    except StoreError:
        unreadable += 1
    unreadable += len(store.records()[1])
    lost = sum(left.get(path) != content for path, content in of_these.items())
    return Kill(tool=TOOL, victim=VICTIM, finished=len(of_these), lost=lost, unreadable=unreadable)
