"""Collects what rival gates decide by: blocks of one side after the other, each in processes of its own.

Apart from duel.py, which is how this project does it: here one process runs at a time, as with other tools. All of them
are pinned to the same core as ours are, which is more than the other tools do by themselves, and is to their advantage.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from types import MappingProxyType

from bench import clock
from bench.results.gate import Role
from bench.results.record import Arm
from bench.runner.memory_layout import STEADY
from bench.runner.messages import TimeBlock, prepare
from bench.runner.worker_process import Origin, Worker, variables_for
from bench.selfbench.other_gates import Turn, Way

LIMIT = 120.0  # seconds that a step of an arm may take
FEWEST = 2  # blocks of a process, however little time is left
PAIRED = 0.003  # seconds of a block of paired rounds
DIGITS = 10  # of a second that are kept of an update, or a sitting would fill megabytes with what no clock tells


@dataclass(frozen=True)
class Match:
    """Two sides to be compared, and where.

    sides       of each role a folder that holds `impls`
    instrument  the folder that holds `bench`
    scratch     for logs and caches; may be deleted afterwards
    budget      seconds of wall time that a comparison may take
    cores       the arms are pinned to them
    everywhere  the cores that a worker may start on
    """

    arm: Arm
    sides: Mapping[Role, Path]
    instrument: Path
    scratch: Path
    budget: float
    seed: str
    cores: Sequence[int]
    everywhere: Sequence[int]

    def origin(self, role: Role) -> Origin:
        """Where the workers of a side come from."""
        folder = self.sides[role].resolve()
        return Origin(folder=folder, path=(self.instrument.resolve(), folder))

    @contextmanager
    def worker(self, role: Role, more: Mapping[str, str] = MappingProxyType({})) -> Iterator[Worker]:
        """A live worker of a side, which has prepared the arm."""
        with Worker(
            self.arm,
            everywhere=self.everywhere,
            variables=variables_for(self.arm, self.cores, self.scratch.resolve() / "cache" / role) | dict(more),
            log=self.scratch / f"{role}.log",
            limit=LIMIT,
            origin=self.origin(role),
        ) as worker:
            worker.ask(prepare(self.arm, cores=self.cores, probe=2))
            yield worker


def pace(match: Match, seconds: float = 1.0) -> float:
    """Seconds of one update of the base, now: the median of short blocks."""
    with match.worker("base", STEADY) as worker:
        updates = _updates(worker, PAIRED)
        return median(_blocks(worker, updates, clock.now() + seconds))


def collect(match: Match, way: Way, updates: int) -> tuple[Turn, ...]:
    """The turns of one comparison, within the budget but for a last process that starts more slowly than those before.

    updates  in a block
    """
    begin, turns = clock.now(), list[Turn]()
    for number, role in enumerate(way.order, 1):
        end = begin + match.budget * number / len(way.order)
        longest = 0.0
        while not longest or (way.values and clock.now() + longest <= end):
            turns.append(_turn(match, way, role, updates, begin, end))
            longest = max(longest, turns[-1].seconds)
    return tuple(turns)


def _turn(match: Match, way: Way, role: Role, updates: int, begin: float, end: float) -> Turn:
    started = clock.now()
    with match.worker(role) as worker:
        if way.warm:
            worker.ask(TimeBlock(updates=max(1, round(updates * way.warm / way.block))))
        blocks = _blocks(worker, updates, end, way.values)
    return Turn(role=role, began=started - begin, seconds=clock.now() - started, blocks=tuple(blocks))


def _blocks(worker: Worker, updates: int, end: float, most: int | None = None) -> list[float]:
    """Seconds an update, block after block, until the time is over or there are enough."""
    blocks = list[float]()
    while len(blocks) < FEWEST or (len(blocks) < most if most else clock.now() < end):
        blocks.append(round(worker.ask(TimeBlock(updates=updates)).seconds / updates, DIGITS))
    return blocks


def _updates(worker: Worker, block: float) -> int:
    """How many updates take about so many seconds."""
    updates = 1
    for _ in range(5):
        seconds = min(worker.ask(TimeBlock(updates=updates)).seconds for _ in range(2))
        updates = max(1, round(updates * block / seconds))
    return updates
