"""Processes that arms leave behind, in sessions of their own, are found and ended.

The command line's process becomes the parent of whatever loses its own below it (a "subreaper"). A variable in the
environment tells what an arm has started from other children.
"""

import ctypes
import os
import signal
from contextlib import suppress
from pathlib import Path

VARIABLE = "LOOPRACE_OWNER"
PR_SET_CHILD_SUBREAPER = 36  # of Linux's sys/prctl.h
GENERATIONS = 20  # those of a process that was ended become orphans, too

_ours = set[int]()  # workers and servers that this process has started itself
_adopting = False


def adopt() -> None:
    """Makes this process the parent of all that loses its own below it, for as long as it lives."""
    global _adopting
    _adopting = ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0


def marked() -> dict[str, str]:
    """The variable by which what a worker starts is known, for the environment of workers and of their servers."""
    return {VARIABLE: str(os.getpid())}


def count_as_ours(pid: int) -> None:
    """Keeps a worker or a server that this process has started from being taken for an orphan."""
    _ours.add(pid)


def end_all() -> int:
    """Ends all orphans that there are, and returns how many; none before `adopt`, for then they have another parent."""
    ended = 0
    for _ in range(GENERATIONS if _adopting else 0):
        orphans = [pid for pid in children() if pid not in _ours and _is_marked(pid)]
        for pid in orphans:
            with suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        ended += len(orphans)
        if not orphans:
            break
    return ended


def is_over(pid: int) -> bool:
    """Whether a process has ended, if nobody has asked for its status yet."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace").rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state in "ZX"


def children(pid: int | str = "self") -> list[int]:
    """All children of a process, of this one where none is named."""
    with suppress(OSError):
        threads = Path(f"/proc/{pid}/task").iterdir()
        return [int(pid) for thread in threads for pid in (thread / "children").read_text("ascii").split()]
    return []


def _is_marked(pid: int) -> bool:
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return f"{VARIABLE}={os.getpid()}".encode() in variables
