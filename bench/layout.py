"""Where a process lies in memory: drawn by us, the same for both sides of a round, instead of by the kernel for each alone.

Apart from worker.py, which takes its place before it loads anything, and from gate/duel.py, which draws it: each side of the
pipe needs half of it. Where code and data lie is worth more than what a gate looks for (Mytkowicz, Diwan, Hauswirth and
Sweeney, "Producing wrong data without doing anything obviously wrong!", 2009); drawing it anew makes it chance instead of bias
(Curtsinger and Berger, "Stabilizer", 2013), and giving both sides the same draw takes most of that chance out of their ratio.
"""

import ctypes
import mmap
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

VARIABLE = "LOOPRACE_LAYOUT"
HEAP, PAGES = 1 << 16, 1 << 12  # bytes and pages to draw from: more than any cache looks at of an address
POOL, STEP, MOST, OVERHEAD = 1 << 14, 16, 512, 33  # bytes of CPython: a pool, its size classes, an empty `bytes`
HOLES, LEAST = 256, 1 << 20  # pages to fill what is free in the heap so far; bytes for which no hole is left
NOT_RANDOM = 0x0040000  # ADDR_NO_RANDOMIZE of sys/personality.h; what debuggers set for what they debug
AS_IT_IS = 0xFFFFFFFF
REFUSED = (
    "this system does not let a process switch off the random placement of memory (in a container: seccomp), so both sides of "
    "a round cannot be laid out alike: rounds differ more, and a slowdown takes longer to show"
)

_taken: list[Any] = []  # for as long as the process lives


def drawn(order: random.Random) -> dict[str, str]:
    """A place in memory, as a variable for the environment of every process that is to lie there; always of one length."""
    return {VARIABLE: f"{order.randrange(HEAP):05d},{order.randrange(PAGES):04d}"}


@contextmanager
def held() -> Iterator[bool]:
    """Processes started within lie where the same program always lies; yields False where the system refuses that.

    The kernel keeps it for each thread, and children inherit it from the one that starts them.
    """
    personality = ctypes.CDLL(None).personality
    personality.argtypes = [ctypes.c_ulong]
    before = personality(AS_IT_IS)
    done = before >= 0 and personality(before | NOT_RANDOM) >= 0
    try:
        yield done
    finally:
        if done:
            personality(before)


def take(environment: Mapping[str, str]) -> None:
    """Moves whatever this process loads and allocates from here on to the place that was drawn for it, if one was."""
    if VARIABLE not in environment:
        return
    heap, pages = map(int, environment[VARIABLE].split(","))
    malloc = ctypes.CDLL(None).malloc
    for size in (*[mmap.PAGESIZE] * HOLES, LEAST + heap):
        malloc(ctypes.c_size_t(size))  # never freed and never used: what comes later lies behind it
    if pages:
        _taken.append(mmap.mmap(-1, pages * mmap.PAGESIZE))
    # Python's small objects lie in pools of their own, on whole pages: the first of each size begins with a drawn number
    chance = random.Random(environment[VARIABLE])
    sizes = range(STEP * (OVERHEAD // STEP + 1), MOST + 1, STEP)
    _taken.extend([bytes(size - OVERHEAD) for _ in range(chance.randrange(POOL // size))] for size in sizes)
