"""The servers that fork a gate's workers: a few rounds use them, then others, elsewhere in memory, take their place.

What all workers of a server have in common, such as the addresses of libraries, must not be common to all rounds.
"""

import random
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from bench.processes import memory_layout
from bench.processes.fork_server import ALWAYS, LATER, ForkServer
from bench.processes.worker_process import can_be_forked, variables_for
from bench.results.record import Arm

ROUNDS = 4  # that a server is used for: loading torch then adds a third of a second to each
TOGETHER = 2  # places: so many servers load at once, which takes as long as one, and are used in turn


@dataclass(frozen=True)
class Place:
    """A memory layout, and the servers that have it: one of each interpreter, since both sides of a round share a layout.

    layout  the variables that decide it
    live    the servers, by interpreter
    """

    layout: dict[str, str]
    live: dict[str, ForkServer] = field(default_factory=dict)

    @property
    def fixed(self) -> dict[str, str]:
        """The part that workers have from their server, whatever their own layout: the seed of an interpreter's hashes."""
        return {memory_layout.HASHES: self.layout[memory_layout.HASHES]}


class Servers:
    """At most TOGETHER live servers for each interpreter; close it when the last round is over.

    log       file for what they print
    cores     they may load on them
    patience  seconds that any of their answers may take
    """

    def __init__(self, log: Path, cores: Sequence[int], patience: float) -> None:
        self._log, self._cores, self._patience = log, cores, patience
        self._places = list[Place]()
        self._unable = set[str]()
        self._more: tuple[str, ...] = ()
        self._served = 0

    def begin_round(self, arm: Arm, pythons: Iterable[str], order: random.Random) -> Place | None:
        """The servers of a round; None where one of the interpreters has none, so that both sides start in the same way.

        Arms that cannot be forked have none.
        """
        wanted = sorted(set(pythons))
        if not can_be_forked(arm) or self._unable.intersection(wanted):
            return None
        if not self._places or self._served == ROUNDS * TOGETHER:
            self.close()
            self._places = [Place(memory_layout.random_layout(order)) for _ in range(TOGETHER)]
        self._load(arm, wanted)
        if self._unable.intersection(wanted):
            return None
        place = self._places[self._served % TOGETHER]
        self._served += 1
        return place

    def load_compiler(self) -> None:
        """From the next round on, servers load the compiler, too: workers were seen to load it as they start."""
        if not self._more:
            self._more = (LATER,)
            self._served = ROUNDS * TOGETHER  # closed later: workers that they have forked would end with them

    def _load(self, arm: Arm, pythons: Sequence[str]) -> None:
        """Starts every server that is missing, all at once."""
        missing = list[tuple[Place, str]]()
        for place in self._places:
            for python in pythons:
                live = place.live.get(python)
                if live and not live.alive:
                    place.live.pop(python).close()
                if python not in place.live:
                    missing.append((place, python))
        for place, python in missing:
            self._start(arm, place, python)
        for place, python in missing:
            self._wait_for(place, python)

    def _start(self, arm: Arm, place: Place, python: str) -> None:
        variables = variables_for(arm, self._cores, self._log.parent) | place.layout
        try:
            self._log.parent.mkdir(parents=True, exist_ok=True)
            with memory_layout.fixed_addresses():
                place.live[python] = ForkServer(
                    python,
                    variables=variables,
                    cores=self._cores,
                    log=self._log,
                    patience=self._patience,
                    packages=(ALWAYS, *self._more),
                )
        except OSError:
            self._unable.add(python)  # a worker that starts from nothing will say what is wrong there

    def _wait_for(self, place: Place, python: str) -> None:
        """Waits until a server that was started is up; one that is not, or has threads of its own, is closed."""
        if python not in place.live:
            return
        with suppress(OSError):
            if place.live[python].threads == 1:
                return
        place.live.pop(python).close()
        self._unable.add(python)

    def close(self) -> None:
        """Ends all of them."""
        for place in self._places:
            for server in place.live.values():
                server.close()
        self._places, self._served = [], 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
