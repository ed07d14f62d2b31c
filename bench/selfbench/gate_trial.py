"""Collects the data that other gates decide by: one process at a time, each with blocks of one side.

All processes are pinned to the same core as those of our gate. The other tools do not do that by themselves, so it is to
their advantage.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from types import MappingProxyType

from bench import clock
from bench.messages.commands import TimeBlock, prepare
from bench.processes.arm_process import variables_for
from bench.processes.memory_layout import STEADY
from bench.processes.worker_process import Origin, Worker
from bench.results.gate import Role
from bench.results.record import Arm
from bench.selfbench.other_gates import ProcessRun, Sampling

LIMIT = 120.0  # seconds that a step of an arm may take
FEWEST = 2  # blocks of a process, however little time is left
PAIRED = 0.003  # seconds of a block of paired rounds
DIGITS = 10  # decimal places of the seconds of an update that are kept: more would be megabytes of noise


@dataclass(frozen=True)
class TrialSetup:
    """The two sides of a trial, and where they are compared.

    sides       for each role a folder that holds `impls`
    instrument  the folder that holds `bench`
    scratch     for logs, caches and copies; removed when the trial is over
    budget      seconds of wall time that a comparison may take
    seed        of all random orders
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
        """A live worker of a side, which has prepared the arm.

        more  further variables of its environment
        """
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


def update_seconds(setup: TrialSetup, seconds: float = 1.0) -> float:
    """Seconds of one update of the base: the median of short blocks over so many seconds."""
    with setup.worker("base", STEADY) as worker:
        updates = _updates(worker, PAIRED)
        return median(_blocks(worker, updates, clock.now() + seconds))


def collect(setup: TrialSetup, sampling: Sampling, updates: int) -> tuple[ProcessRun, ...]:
    """The processes of one comparison, within the budget unless the last one starts more slowly than those before.

    updates  in a block
    """
    begin, runs = clock.now(), list[ProcessRun]()
    for number, role in enumerate(sampling.order, 1):
        end = begin + setup.budget * number / len(sampling.order)
        longest = 0.0
        while not longest or (sampling.values and clock.now() + longest <= end):
            runs.append(_run(setup, sampling, role, updates, begin, end))
            longest = max(longest, runs[-1].seconds)
    return tuple(runs)


def _run(setup: TrialSetup, sampling: Sampling, role: Role, updates: int, begin: float, end: float) -> ProcessRun:
    started = clock.now()
    with setup.worker(role) as worker:
        if sampling.warm:
            worker.ask(TimeBlock(updates=max(1, round(updates * sampling.warm / sampling.block))))
        blocks = _blocks(worker, updates, end, sampling.values)
    return ProcessRun(role=role, began=started - begin, seconds=clock.now() - started, blocks=tuple(blocks))


def _blocks(worker: Worker, updates: int, end: float, most: int | None = None) -> list[float]:
    """Seconds of an update, block after block, until the time is over or there are `most`."""
    blocks = list[float]()
    while len(blocks) < FEWEST or (len(blocks) < most if most else clock.now() < end):
        blocks.append(round(worker.ask(TimeBlock(updates=updates)).seconds / updates, DIGITS))
    return blocks


def _updates(worker: Worker, block: float) -> int:
    """How many updates take about `block` seconds."""
    updates = 1
    for _ in range(5):
        seconds = min(worker.ask(TimeBlock(updates=updates)).seconds for _ in range(2))
        updates = max(1, round(updates * block / seconds))
    return updates
