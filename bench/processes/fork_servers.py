"""The servers that fork workers: a few rounds use them, then others, elsewhere in memory, take their place.

What all workers of a server have in common, such as the addresses of libraries, must not be common to all rounds.
"""

import random
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from bench import clock
from bench.processes import memory_layout, orphans
from bench.processes.arm_process import can_be_forked, variables_for
from bench.processes.fork_server import A_REQUEST, ALWAYS, COMPILERS, ForkServer
from bench.results.record import Arm

LOADING = 0.2  # of the time may go into loading servers: so long the same ones are used
TOGETHER = 2  # places: so many servers load at once, which takes as long as one, and are used in turn


@dataclass(frozen=True)
class Place:
    """A memory layout, and the servers that have it: one of each interpreter, since all arms of a round share a layout.

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
        self._modules, self._refused = [ALWAYS], set[str]()
        self._served, self._began, self._loaded = 0, 0.0, 0.0  # rounds; when these places began, and were loaded

    def begin_round(self, arm: Arm, pythons: Iterable[str], order: random.Random) -> Place | None:
        """The servers of a round; None where an interpreter has none: then both sides of a gate start in the same way.

        Arms that cannot be forked have none.
        """
        wanted = sorted(set(pythons))
        if not can_be_forked(arm) or self._unable.intersection(wanted):
            return None
        failed = self._without_server(arm, wanted, order)
        if failed and self._give_up():
            failed = self._without_server(arm, wanted, order)
        if failed:
            self._unable |= failed  # a worker that starts from nothing will say what is wrong there
            return None
        place = self._places[self._served % TOGETHER]
        self._served += 1
        return place

    def learn(self, loaded: Sequence[Sequence[str] | None]) -> None:
        """Has servers load what the workers of a round have loaded themselves, once these have ended.

        loaded  by each of them; None of one that did not come so far. What all of them have loaded, and the compiler
                where one of them has: no arm may get what only another one uses
        """
        known = [names for names in loaded if names is not None]
        if known:
            compilers = [name for name in COMPILERS if any(name in names for names in known)]
            common = set(known[0]).intersection(*known)
            self.load([*compilers, *(name for name in known[0] if name in common)])

    def load(self, modules: Sequence[str]) -> None:
        """Has all servers load these modules, those that run among them; not while workers of theirs live.

        Modules that start threads are given up: a process with threads cannot be forked.
        """
        more = [name for name in dict.fromkeys(modules) if name not in self._modules and name not in self._refused]
        if not more:
            return
        self._modules += more
        live = [server for place in self._places for server in place.live.values() if server.alive]
        try:
            for begin in range(0, len(more), A_REQUEST):
                for server in live:
                    server.begin_load(more[begin : begin + A_REQUEST])
                for server in live:
                    server.end_load()
            able = all(server.threads == 1 for server in live)
        except OSError:
            able = False
        if not able:
            self._give_up()

    def _give_up(self) -> bool:
        """Gives up all modules but those of torch, with the servers that have loaded them; whether there were any."""
        own = (ALWAYS, *COMPILERS)
        given_up = [name for name in self._modules if name not in own]
        self._refused.update(given_up)
        self._modules = [name for name in self._modules if name in own]
        self.close()
        return bool(given_up)

    def _without_server(self, arm: Arm, pythons: Sequence[str], order: random.Random) -> set[str]:
        """The interpreters without a server that can be used, once all that were missing have been started, all at once."""
        if not self._places or (self._served >= TOGETHER and self._is_used_up()):
            self.close()
            self._began = clock.now()
            self._places = [Place(memory_layout.random_layout(order)) for _ in range(TOGETHER)]
        places = [(place, python) for place in self._places for python in pythons]
        for place, python in places:
            if python in place.live and not place.live[python].alive:
                place.live.pop(python).close()
        missing = [(place, python) for place, python in places if python not in place.live]
        for place, python in missing:
            self._start(arm, place, python)
        failed = {python for place, python in missing if not self._is_up(place, python)}
        if not self._served:
            self._loaded = clock.now()
        return failed

    def _is_used_up(self) -> bool:
        """Whether loading others in their place would take no more than its share of the time."""
        return self._loaded - self._began <= LOADING * (clock.now() - self._began)

    def _start(self, arm: Arm, place: Place, python: str) -> None:
        # only arms of one thread are forked; where OpenMP has two, it binds all servers to the same core while they load
        variables = variables_for(arm, self._cores[-1:], self._log.parent) | place.layout | orphans.marked()
        with suppress(OSError), memory_layout.fixed_addresses():
            self._log.parent.mkdir(parents=True, exist_ok=True)
            place.live[python] = ForkServer(
                python,
                variables=variables,
                cores=self._cores,
                log=self._log,
                patience=self._patience,
                packages=self._modules,
            )
            orphans.count_as_ours(place.live[python].pid)

    def _is_up(self, place: Place, python: str) -> bool:
        """Waits until a server that was started is up; one that is not, or has threads of its own, is closed."""
        if python not in place.live:
            return False
        with suppress(OSError):
            if place.live[python].threads == 1:
                return True
        place.live.pop(python).close()
        return False

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
