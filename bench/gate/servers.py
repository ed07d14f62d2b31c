"""Keeps what forks the workers of a gate: one server an interpreter, for a few rounds, then another one, elsewhere in memory.

Apart from duel.py, which carries out one round: a server outlives it, and what all workers of a server have alike must not
become what all rounds have alike.
"""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from bench import layout
from bench.forkserver import ForkServer
from bench.process import variables_for
from bench.record import Arm

ROUNDS = 4  # of a server: loading torch is then half a second of each


class Servers:
    """At most one live server an interpreter; close it when the last round is over.

    log       file for what they say
    cores     they may load on them
    patience  seconds that any of their answers may take
    """

    def __init__(self, log: Path, cores: Sequence[int], patience: float) -> None:
        self._log, self._cores, self._patience = log, cores, patience
        self._live = dict[str, ForkServer]()
        self._unable = set[str]()
        self._left = 0
        self._drawn = dict[str, str]()

    @property
    def held(self) -> dict[str, str]:
        """What workers cannot have otherwise than their server has it: the order of hashes is an interpreter's own."""
        return {layout.HASHES: self._drawn[layout.HASHES]}

    def begin_round(self, arm: Arm, pythons: Sequence[str], order: random.Random) -> dict[str, ForkServer]:
        """The servers of a round's interpreters; none, where one of them has none: both sides start in the same way.

        Only what is alone in its process can be forked: threads do not come along, and a GPU's driver does not allow it.
        """
        if arm.setting.threads > 1 or arm.setting.device != "cpu" or self._unable.intersection(pythons):
            return {}
        if not self._left:
            self.close()
            self._drawn = layout.drawn(order)
            self._left = ROUNDS
        self._left -= 1
        for python in pythons:
            live = self._live.get(python)
            if live and not live.alive:
                self._live.pop(python).close()
            if python not in self._live:
                self._start(arm, python)
        return {python: self._live[python] for python in pythons} if self._live.keys() >= set(pythons) else {}

    def _start(self, arm: Arm, python: str) -> None:
        variables = variables_for(arm, self._cores, self._log.parent) | self._drawn
        try:
            self._log.parent.mkdir(parents=True, exist_ok=True)
            with layout.held():
                server = ForkServer(
                    python, variables=variables, cores=self._cores, log=self._log, patience=self._patience
                )
        except OSError:
            self._unable.add(python)  # whatever it is that fails there, a worker that starts from nothing says it
            return
        if server.threads > 1:
            server.close()
            self._unable.add(python)
        else:
            self._live[python] = server

    def close(self) -> None:
        """Ends all of them."""
        for server in self._live.values():
            server.close()
        self._live.clear()
        self._left = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
