"""A block: how many updates an arm makes in one timed call, found out by making some."""

import itertools
import math
from dataclasses import dataclass
from statistics import median
from typing import Protocol

from bench import clock
from bench.messages.commands import Reset, TimeBlock
from bench.messages.protocol import A, Command
from bench.results.record import Record

CALIBRATIONS = 3  # blocks made, at least, before their length is believed
WARM_UP_SECONDS = 0.001
MOST_ALGORITHMIC = 10_000  # updates: the tutorial's job
MOST_UPDATES = 100_000_000  # in a block of any other arm: one that does nothing is wrong, not endless


@dataclass(frozen=True)
class Block:
    """How many updates an arm makes in one timed call, and about how many seconds they take."""

    updates: int
    seconds: float

    @property
    def warm_up(self) -> int:
        """Updates made untimed before each block: enough to bring the arm's data back into the caches."""
        return max(1, round(self.updates * WARM_UP_SECONDS / self.seconds))


class Ask(Protocol):
    """Something that sends a command to a worker and returns the answer; None where the arm has ended."""

    def __call__(self, command: Command[A], /) -> A | None:
        """Sends it."""


def calibrated(ask: Ask, aim: float, pause: float, *, unit: int = 1, work: str = "") -> Block | None:
    """The block that takes about `aim` seconds, in whole units; None as soon as `ask` returns None.

    Blocks are made until their length is known. The fastest counts: one that met a disturbance would make all later
    blocks too short. An algorithmic arm may make any number of updates in no time: its blocks have at most
    MOST_ALGORITHMIC.
    """
    most = MOST_ALGORITHMIC if work == "algorithmic" else MOST_UPDATES
    updates, an_update = unit, math.inf
    ask(Reset())
    for attempt in itertools.count():
        clock.pause(pause)
        timed = ask(TimeBlock(updates=updates))
        if timed is None:
            return None
        an_update = min(an_update, timed.seconds / updates)
        wanted = int(min(most, max(unit, round(aim / an_update / unit) * unit)))
        if wanted <= 2 * updates and attempt >= CALIBRATIONS:
            break
        updates = min(wanted, 10 * updates)
    return Block(wanted, wanted * an_update)


def block_of(record: Record) -> Block | None:
    """The block that the arm had in the round of this record; None where it made none."""
    if not record.updates_per_block:
        return None
    return Block(record.updates_per_block, record.block_seconds or median(record.blocks))
