"""A long run, watched from outside: open files, processes and temporary files must not grow with its rounds.

Its memory may, by what the files of the rounds have: a run keeps the records that its estimates are made of.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from bench import clock
from bench.fault_exam.kills import COMMANDS
from bench.processes.worker_process import ROOT
from bench.selfbench.figure import Figure
from bench.system.reservation import TOGETHER

SETTLED = 10  # rounds after which all that is loaded once has been loaded
A_LOOK = 0.5  # seconds from one look at the rounds that are done to the next
MOST_GROWN = (1 << 20, 0, 0, 0)  # bytes, and numbers, that are no growth: an allocator's last pages


@dataclass(frozen=True)
class Look:
    """What the main process of a run holds while a round is measured.

    memory     bytes of its own
    files      that it has open
    processes  below it
    temporary  entries in the folder for temporary files
    written    bytes of the rounds that are written
    """

    memory: int
    files: int
    processes: int
    temporary: int
    written: int


def figures(rounds: int) -> Iterator[Figure]:
    """How much each of these grew over so many rounds, from the first ones that are settled to the last ones."""
    begin = clock.now()
    looks = list(_looks(SETTLED + rounds))[SETTLED:-1]  # the last one may see the reports being made
    took = clock.now() - begin
    third = max(1, len(looks) // 3)
    for place, what in enumerate(("bytes of memory", "open files", "processes", "temporary files")):
        # the least of each third: a look may find the next round begun, whose processes belong to it
        first, last = (min(astuple(look)[place] for look in part) for part in (looks[:third], looks[-third:]))
        allowed = looks[-1].written - looks[0].written if place == 0 else 0
        yield Figure(
            f"{what} after {rounds} more rounds, {took / 60:.0f} min",
            f"{first:.0f} became {last:.0f}",
            f"at most {allowed} more, as the files of these rounds have" if allowed else "as many as before",
            last - first <= MOST_GROWN[place] + allowed,
        )


def _looks(rounds: int) -> Iterator[Look]:
    """A look at each round of a run, as soon as it is done."""
    with (
        TemporaryDirectory(prefix="looprace-soak-") as results,
        TemporaryDirectory(prefix="looprace-soak-") as temporary,
    ):
        process = subprocess.Popen(
            [sys.executable, "-m", "bench", "run", *COMMANDS[0], f"--rounds={rounds}", f"--results={results}"],
            cwd=ROOT,
            env=os.environ | {TOGETHER: "1", "TMPDIR": temporary},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        watched, seen = psutil.Process(process.pid), 0
        while process.poll() is None:
            written = list(Path(results).glob("*/records/*/round-*"))
            if len(written) > seen:
                seen = len(written)
                yield Look(
                    memory=watched.memory_full_info().uss,
                    files=watched.num_fds(),
                    processes=len(watched.children(recursive=True)),
                    temporary=len(list(Path(temporary).iterdir())),
                    written=sum(file.stat().st_size for place in written for file in place.iterdir()),
                )
            clock.pause(A_LOOK)
