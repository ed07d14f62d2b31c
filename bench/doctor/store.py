"""Checks a folder of runs and gates for what is damaged, half-written or left behind, and puts it aside: never deletes.

What is put aside lies in quarantine/ of the same folder, under the path that it had.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.results import files
from bench.results.gate_store import GateStore
from bench.results.store import CURE, Store, StoreError

QUARANTINE = "quarantine"
RESUMED = "--resume measures what is missing then"


@dataclass(frozen=True)
class Trouble:
    """Something that a report or a resumed run cannot use.

    path  the file or folder that is to be put aside
    why   in a sentence
    """

    path: Path
    why: str


def folders(place: Path) -> list[Path]:
    """The runs and gates at a place: itself, or what lies below it."""
    if any((place / name).exists() for name in ("plan.json", "gate.json")):
        return [place]
    return sorted(path for path in place.iterdir() if path.is_dir() and path.name != QUARANTINE)


def troubles(folder: Path) -> Iterator[Trouble]:
    """What is wrong in the folder of one run or gate; nothing of one that is being measured right now."""
    if _is_in_use(folder):
        return
    while_reading = list(_strange(folder))
    if while_reading:  # what is a link or a pipe is not read through: it is put aside first, and the rest checked again
        yield from while_reading
        return
    yield from _half_written(folder)
    if (folder / "plan.json").is_file():
        yield from _of_run(Store(folder))
    elif (folder / "gate.json").is_file():
        yield from _of_gate(GateStore(Store(folder)))
    else:
        yield Trouble(
            folder, "it has neither a plan.json nor a gate.json: whatever wrote it was stopped before it began"
        )


def put_aside(place: Path, found: Trouble) -> Path:
    """Moves it into the quarantine of the place, under the path that it had; where it is now."""
    target = place / QUARANTINE / found.path.relative_to(place)
    number = 1
    while os.path.lexists(target):  # put aside once before
        number += 1
        target = target.with_name(f"{found.path.name}.{number}")
    target.parent.mkdir(parents=True, exist_ok=True)
    found.path.rename(target)
    return target


def _is_in_use(folder: Path) -> bool:
    """Whether a process is measuring into it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _strange(folder: Path) -> Iterator[Trouble]:
    """The first entry that is no folder and no regular file: one at a time, as they are found."""
    if (found := files.first_link(folder)) is not None:
        yield Trouble(found, "it is a link, a pipe or a device, which no run or gate holds")


def _half_written(folder: Path) -> Iterator[Trouble]:
    """What a killed process was writing, and what it had compiled."""
    for path in sorted(folder.rglob(".*.part")):
        yield Trouble(path, "it was being written when its process was killed")
    if (folder / "cache").is_dir():
        yield Trouble(folder / "cache", "it is what arms had compiled when their run was killed; no run reads it again")


def _of_run(store: Store) -> Iterator[Trouble]:
    try:
        plan = store.plan()
    except StoreError as error:
        yield Trouble(store.path, _said(error, store.path / "plan.json"))
        return
    yield from _unreadable(store.path / "environment.json", store.environment)
    for folder in sorted((store.path / "records").glob("*/round-*")):
        try:
            store.round(folder)
        except StoreError as error:
            yield Trouble(folder, f"{_said(error, folder)} The whole round goes: {RESUMED}")
    for race in plan.races:
        parts: dict[str, Callable[[], object]] = {
            f"examined/{race.slug}.json": partial(store.examined, race),
            f"descents/{race.slug}.json": partial(store.loss_curve, race),
            f"climb/{race.slug}/climb.json": partial(store.climb, race),
        }
        for name, read in parts.items():
            yield from _unreadable(store.path / name, read)


def _of_gate(store: GateStore) -> Iterator[Trouble]:
    try:
        plan = store.plan()
    except StoreError as error:
        yield Trouble(store.path, _said(error, store.path / "gate.json"))
        return
    for path in sorted((store.path / "rounds").glob("*/*.json")):
        yield from _unreadable(path, partial(store.round, path))
    for cell in plan.cells:
        yield from _unreadable(store.path / "counts" / f"{cell.slug}.json", partial(store.counts, cell))


def _unreadable(path: Path, read: Callable[[], object]) -> Iterator[Trouble]:
    try:
        read()
    except StoreError as error:
        yield Trouble(path, _said(error, path))


def _said(error: StoreError, path: Path) -> str:
    """What is wrong with a file, without its folder and without the cure: this is the cure."""
    return str(error).replace(str(path), path.name).removesuffix(f" {CURE}.")
