"""Keeps what forks the workers of a gate: servers for a few rounds, then other ones, elsewhere in memory.

Apart from duel.py, which carries out one round: a server outlives it, and what all workers of a server have alike must not
become what all rounds have alike.
"""

import random
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from bench.results.record import Arm
from bench.runner import memory_layout
from bench.runner.fork_server import LATER, ForkServer
from bench.runner.worker_process import variables_for

ROUNDS = 4  # of a server: loading torch is then a third of a second of each
TOGETHER = 2  # places: that many servers load at once, which takes as long as one, and serve in turn


@dataclass(frozen=True)
class Place:
    """Where servers lie in memory: one of each interpreter, for both sides of a round are forked in the same place.

    drawn  what settles where
    live   by interpreter
    """

    drawn: dict[str, str]
    live: dict[str, ForkServer] = field(default_factory=dict)

    @property
    def held(self) -> dict[str, str]:
        """What workers cannot have otherwise than their server has it: the order of hashes is an interpreter's own."""
        return {memory_layout.HASHES: self.drawn[memory_layout.HASHES]}


class Servers:
    """At most TOGETHER live servers an interpreter; close it when the last round is over.

    log       file for what they say
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
        """Where the sides of a round are forked; None, where an interpreter has no server: both sides start in the same way.

        Only what is alone in its process can be forked: threads do not come along, and a GPU's driver does not allow it.
        """
        wanted = sorted(set(pythons))
        if arm.setting.threads > 1 or arm.setting.device != "cpu" or self._unable.intersection(wanted):
            return None
        if not self._places or self._served == ROUNDS * TOGETHER:
            self.close()
            self._places = [Place(memory_layout.drawn(order)) for _ in range(TOGETHER)]
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
            self._served = ROUNDS * TOGETHER  # not closed now: workers that they have forked would end with them

    def _load(self, arm: Arm, pythons: Sequence[str]) -> None:
        """Every server that is missing, all at once."""
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
            self._believe(place, python)

    def _start(self, arm: Arm, place: Place, python: str) -> None:
        variables = variables_for(arm, self._cores, self._log.parent) | place.drawn
        try:
            self._log.parent.mkdir(parents=True, exist_ok=True)
            with memory_layout.held():
                place.live[python] = ForkServer(
                    python,
                    variables=variables,
                    cores=self._cores,
                    log=self._log,
                    patience=self._patience,
                    more=self._more,
                )
        except OSError:
            self._unable.add(python)  # whatever it is that fails there, a worker that starts from nothing says it

    def _believe(self, place: Place, python: str) -> None:
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
