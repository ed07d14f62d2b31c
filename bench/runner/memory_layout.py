"""Where a process lies in memory: drawn by us, the same for both sides of a round, instead of left to chance for each alone.

Apart from worker.py, which takes its place and clears it, and from gate/duel.py, which draws it: each side of the pipe needs a
part of it. Where code and data lie is worth more than what a gate looks for (Mytkowicz, Diwan, Hauswirth and Sweeney,
"Producing wrong data without doing anything obviously wrong!", 2009). Drawn anew for each round it is chance instead of bias
(Curtsinger and Berger, "Stabilizer", 2013); the same draw for both sides takes most of that chance out of their ratio.
"""

import ctypes
import mmap
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

VARIABLE, HASHES = "LOOPRACE_LAYOUT", "PYTHONHASHSEED"

# glibc gives the top of the heap back whenever enough of it is free, and asks the kernel for it again with the next tensor:
# a fifth of an update's time, in some processes and not in others, for as long as they live. Held the same in all of them.
STEADY = {
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
    "MALLOC_MMAP_THRESHOLD_": str(1 << 25),  # the most that glibc takes
    "MALLOC_TOP_PAD_": str(1 << 26),
}
HEAP, PAGES = 1 << 16, 1 << 12  # bytes and pages to draw from: more than any cache looks at of an address
TURN = 1 << 20  # bytes: the heap is level when its top lies at what was drawn, within so many
BEYOND = 1 << 24  # bytes: more than any hole of a heap has, and fewer than glibc would ask the kernel for by themselves
HOLES, MOST_FILLED = (1 << 20, 1 << 18, 1 << 16, 1 << 14), 1 << 12  # bytes; smaller holes are left to small things
POOL, STEP, MOST, OVERHEAD = 1 << 14, 16, 512, 33  # bytes of CPython: a pool, its size classes, an empty `bytes`
NOT_RANDOM = 0x0040000  # ADDR_NO_RANDOMIZE of sys/personality.h; what debuggers set for what they debug
AS_IT_IS = 0xFFFFFFFF
REFUSED = (
    "this system does not let a process switch off the random placement of memory (in a container: seccomp), so both sides of "
    "a round cannot be laid out alike: rounds differ more, and a slowdown takes longer to show"
)

_taken: list[Any] = []  # for as long as the process lives
_allocate = ctypes.CDLL(None).malloc  # looked up once: levelling a heap calls it hundreds of times
_allocate.argtypes, _allocate.restype = [ctypes.c_size_t], ctypes.c_void_p


def drawn(order: random.Random) -> dict[str, str]:
    """A place in memory and an order of hashes, as variables for the environment of processes; always of one length."""
    place = f"{order.randrange(HEAP):05d},{order.randrange(PAGES):04d}"
    return STEADY | {VARIABLE: place, HASHES: f"{order.randrange(1 << 32):010d}"}


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
    heap, pages = _place(environment)
    _malloc(TURN + heap)
    if pages:
        _taken.append(mmap.mmap(-1, pages * mmap.PAGESIZE))
    # Python's small objects lie in pools of their own, on whole pages: the first of each size begins with a drawn number
    chance = random.Random(environment[VARIABLE])
    sizes = range(STEP * (OVERHEAD // STEP + 1), MOST + 1, STEP)
    _taken.extend([bytes(size - OVERHEAD) for _ in range(chance.randrange(POOL // size))] for size in sizes)


def level(environment: Mapping[str, str]) -> None:
    """Fills the holes of the heap and moves its top to the place that was drawn, if one was.

    Which hole a tensor gets depends on all that was loaded before, so on every line of the code, and how tensors lie to each
    other is worth several per cent of an update. In a level heap they follow each other, on both sides alike.
    """
    if VARIABLE not in environment:
        return
    heap, _ = _place(environment)
    end = _malloc(BEYOND)
    for size in HOLES:
        for _ in range(MOST_FILLED):
            if _malloc(size) > end:
                break
    _malloc(TURN + (heap - _malloc(TURN)) % TURN)  # by itself, less than a turn might find a hole


def _place(environment: Mapping[str, str]) -> tuple[int, int]:
    heap, pages = map(int, environment[VARIABLE].split(","))
    return heap, pages


def _malloc(size: int) -> int:
    """The address of so many bytes that are never used, and never given back; all but a line of them takes no memory."""
    return int(_allocate(size) or 0)
