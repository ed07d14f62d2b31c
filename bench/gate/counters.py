"""The gate's first tier: counters of a cell on both sides, which have no noise.

Three workers count: the base, the base once more, and the head. A quantity that differs between the two countings of the
base is left out. All are counted in the same job with the same instrument, never against numbers of another day.
"""

import random
import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from select import select
from types import MappingProxyType

from bench.messages.commands import Observe, prepare
from bench.messages.probes import Count, CountCalls, ReadCompiler, Repeat
from bench.messages.protocol import A, Command
from bench.processes.arm_process import variables_for
from bench.processes.fork_servers import Servers
from bench.processes.worker_process import ArmFault, Origin, Worker
from bench.results.gate import Cell, Counts
from bench.results.gate import Count as Counter
from bench.results.profile import COUNTERS

# More of these is always bad: each makes every update, or the first ones, wait for something.
MONOTONE_BAD = (
    "host_reads",
    "synchronisations",
    "graph_breaks",
    "recompiles",
    "recompiles_in_blocks",
    "cudagraph_skips",
)
NAMES = {"base": "the base", "again": "the base", "head": "the head"}  # of the workers, in messages
MOST, FEWEST = 512, 32  # updates that are counted, where so many do not take too long
MOST_OF_STEP = 128  # of a step, whose update has a hundred operations: noting 512 takes a third of a gate
SECONDS = 2.0  # that they may take, with nothing attached: long enough that a busy machine does not count fewer
_HASHES = {"PYTHONHASHSEED": "0"}  # because the order of a set may decide what is called


@dataclass(frozen=True)
class _Counters:
    """The counters of a worker by name, and why its compiler gave up."""

    values: Mapping[str, float]
    breaks: Sequence[str] = ()


def count(
    cell: Cell,
    origins: Mapping[str, Origin],
    *,
    cores: Sequence[int],
    everywhere: Sequence[int],
    cache: Path,
    log: Path,
    limit: float,
    more: Mapping[str, str] = MappingProxyType({}),
    file: str = "",
    answers: Path | None = None,
    servers: Servers | None = None,
    order: random.Random | None = None,
) -> Counts:
    """The counters of the cell's arm on both sides, over the same number of updates.

    origins  where the workers "base", "again" and "head" come from
    cores    those of the race, which decide what is set in the environment; the workers run on `everywhere`
    cache    folder for what their compilers keep, one for each worker; emptied before and after, so all start cold
    log      folder for what they print: base.log, again.log, head.log
    limit    seconds that any single step of a worker may take
    more     further variables to set in their environment
    file     of an arm of a step: the step's file, as a path from the folder of an origin
    answers  folder for what the updates of a step did before anything was counted, a file for each worker
    servers  what forks the workers, where they can be forked
    order    draws the place of the servers

    What happens every k-th update shows for k up to half of MOST, where an update takes less than SECONDS / MOST.
    Where an arm ends, `reason` says on which side, and why.
    """
    arms = {name: cell.arm_on("head" if name == "head" else "base") for name in NAMES}
    shutil.rmtree(cache, ignore_errors=True)
    pythons = [origin.python for origin in origins.values()]
    place = servers.begin_round(arms["base"], pythons, order or random.Random()) if servers else None
    try:
        with ExitStack() as stack:
            workers = {
                name: stack.enter_context(
                    Worker(
                        arms[name],
                        everywhere=everywhere,
                        variables=variables_for(arms[name], cores, cache / name) | _HASHES | dict(more),
                        log=log / f"{name}.log",
                        limit=limit,
                        origin=origins[name],
                        server=place.live[origins[name].python] if place else None,
                    )
                )
                for name in NAMES
            }
            files = {name: str(origins[name].folder / file) if file else "" for name in NAMES}
            # nothing is timed, so each may use all cores
            prepared = _ask(
                workers,
                {name: prepare(arms[name], cores=everywhere, probe=2, file=files[name]) for name in NAMES},
            )
            if file and answers:
                answers.mkdir(parents=True, exist_ok=True)
                _ask(workers, {name: Observe(target=str(answers / name)) for name in NAMES})
            counts = _compared(*_counted(workers, MOST_OF_STEP if file else MOST))
        if servers:
            servers.learn([each.loaded for each in prepared.values()])
        return counts
    except _EndedError as ended:
        return Counts(reason=str(ended), head_alone=ended.head_alone)
    finally:
        shutil.rmtree(cache, ignore_errors=True)


class _EndedError(Exception):
    """Workers have ended: the message says on which side and how; `head_alone`, whether only the head's did."""

    def __init__(self, faults: Mapping[str, ArmFault]) -> None:
        sentences = [f"{NAMES[name]} could not be counted: {faults[name].reason}" for name in NAMES if name in faults]
        super().__init__("; ".join(dict.fromkeys(sentences)))
        self.head_alone = set(faults) == {"head"}


def _ask(workers: Mapping[str, Worker], command: Command[A] | Mapping[str, Command[A]]) -> dict[str, A]:
    """The answers of all workers, which carry out the same command or each its own at the same time."""
    commands = command if isinstance(command, Mapping) else dict.fromkeys(workers, command)
    for name, worker in workers.items():
        worker.begin(commands[name])
    waiting, faults = dict(workers), dict[str, ArmFault]()
    while waiting:
        select(list(waiting.values()), [], [], 1.0)  # none may run out of time while another is waited for
        for name, worker in list(waiting.items()):
            try:
                if not worker.arrived(0.0):
                    continue
            except ArmFault as fault:
                faults[name] = fault
            del waiting[name]
    if faults:
        raise _EndedError(faults)
    return {name: worker.answer(commands[name].answer_type()) for name, worker in workers.items()}


def _counted(workers: Mapping[str, Worker], most: int) -> list[_Counters]:
    """The counters of each worker; the slowest decides how many updates all of them count, of so many at most."""
    seconds = max(repeated.seconds for repeated in _ask(workers, Repeat(updates=1, seconds=0.0)).values())
    many = _many(seconds, most)
    before = _ask(workers, ReadCompiler())
    counted = _ask(workers, Count(seconds=seconds, updates=many))
    after = _ask(workers, ReadCompiler())
    called = _ask(workers, CountCalls(seconds=seconds, updates=many))
    return [
        _Counters(
            after[name].counters
            | {"recompiles_in_blocks": after[name].compilations - before[name].compilations}
            | counted[name].counters
            | called[name].counters,
            after[name].breaks,
        )
        for name in workers
    ]


def _many(seconds: float, most: int) -> int:
    """The greatest power of two of updates that may be counted; 0, for a few, where even those are too many."""
    many = most
    while many * seconds > SECONDS and many >= FEWEST:
        many //= 2
    return many if many >= FEWEST else 0


def _compared(base: _Counters, again: _Counters, head: _Counters) -> Counts:
    counters, unsteady = {}, []
    for name in COUNTERS:
        if name not in base.values and name not in head.values:
            continue
        once, twice, now = (side.values.get(name) for side in (base, again, head))
        if once == twice:
            counters[name] = _one(name, once, now)
        elif name in MONOTONE_BAD and _far(once, twice, now):
            counters[name] = _one(name, max(once or 0, twice or 0), now)
        else:
            unsteady.append(name)
    return Counts(
        counters=counters,
        unsteady=tuple(unsteady),
        breaks=tuple(_new(base.breaks, head.breaks)),
    )


def _far(base: float | None, again: float | None, head: float | None) -> bool:
    """Whether the head exceeds both countings of the base by more than these differ."""
    least, most = sorted((base or 0, again or 0))
    return (head or 0) > most + (most - least)


def _one(name: str, base: float | None, head: float | None) -> Counter:
    return Counter(base=base, head=head, bad=name in MONOTONE_BAD and (head or 0) > (base or 0))


def _new(base: Sequence[str], head: Sequence[str]) -> list[str]:
    """The reasons of the head that the base does not have; the same reason at another line or in another folder is not new."""
    known = {re.sub(r"\S*/|\d+", "", reason) for reason in base}
    return [reason for reason in head if re.sub(r"\S*/|\d+", "", reason) not in known]
