"""The processes that make the updates of an arm together, seen from outside: what they hold, and where each of them is."""

import os
import re
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from bench import clock
from bench.processes import orphans

PAGE = os.sysconf("SC_PAGE_SIZE")
PATIENCE = 1.0  # seconds until a rank has written where it is
A_LOOK = 0.02
FRAME = re.compile(r'File "(.*)", line (\d+) in (\S+)')
ENTRY = "ranks/main.py"  # in the frames of a rank's main thread, and of no other


def resident_bytes(pid: int) -> int:
    """Bytes of memory that a process holds; 0 where it has ended."""
    with suppress(OSError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * PAGE
    return 0


def ranks_of(launcher: int) -> Sequence[int]:
    """The ranks that a launcher has started, in their order."""
    return sorted(orphans.children(launcher))


def whereabouts(launcher: int, log: Path) -> str:
    """Where each rank is now: "rank 0 was in all_reduce (distributed_c10d.py:3100), rank 1 in loss (my_step.py:17)"; "" where
    none says so.

    A rank that is asked by a signal writes its stack into the log, even where it waits for something that is no Python.
    """
    found = list[str]()
    for rank, pid in enumerate(ranks_of(launcher)):
        if place := _innermost(_answer(pid, log)):
            found.append(f"rank {rank}{'' if found else ' was'} in {place}")
    return ", ".join(found)


def _answer(pid: int, log: Path) -> str:
    """What a rank writes into the log when it is asked."""
    with suppress(OSError):
        before, until = log.stat().st_size, clock.now() + PATIENCE
        os.kill(pid, signal.SIGUSR1)
        text = ""
        while ENTRY not in text and clock.now() < until:
            clock.pause(A_LOOK)
            with log.open("rb") as file:
                file.seek(before)
                text = file.read(1 << 16).decode("utf-8", errors="replace")
        return text
    return ""


def _innermost(stacks: str) -> str:
    """The innermost frame of the main thread, of the stacks of all threads, each with its innermost frame first."""
    for stack in reversed(re.split(r"(?:Current t|T)hread 0x\w+.*", stacks)):
        frames = FRAME.findall(stack)
        if any(file.endswith(ENTRY) for file, _, _ in frames):
            file, line, function = frames[0]
            return f"{function} ({Path(file).name}:{line})"
    return ""
