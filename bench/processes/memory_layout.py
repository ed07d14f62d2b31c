"""Where a process lies in memory: drawn at random for a round, and the same for both of its sides.

Where code and data lie in memory changes how fast they run, by more than the slowdowns that a gate looks for (Mytkowicz,
Diwan, Hauswirth and Sweeney, "Producing wrong data without doing anything obviously wrong!", 2009). Left to the system, each
process lies somewhere else, and the two sides of a round differ by chance.

So a round draws a layout: an offset of the heap, an offset of memory mappings, and the seed of Python's hashes. Both sides
start with it. A new layout for every round turns what would be a bias into chance (Curtsinger and Berger, "Stabilizer",
2013), and the same layout on both sides takes most of that chance out of their ratio.

The main process draws the layout and switches off the system's own random addresses while it starts both sides. A worker
reads the layout from its environment: it moves its heap and mappings there before it loads anything (`take`), and fills the
holes of its heap before it builds an arm and before each reset (`level`). A run has no layout, and then nothing happens.
"""

import ctypes
import mmap
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

VARIABLE, HASHES = "LOOPRACE_LAYOUT", "PYTHONHASHSEED"

# glibc gives the top of the heap back whenever enough of it is free, and asks the kernel for it again with the next tensor.
# That takes a fifth of an update's time, in some processes and not in others, for as long as they live. So never do it.
STEADY = {
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
    "MALLOC_MMAP_THRESHOLD_": str(1 << 25),  # the most that glibc takes
    "MALLOC_TOP_PAD_": str(1 << 26),
}
HEAP, PAGES = 1 << 16, 1 << 12  # offsets are below so many bytes and pages: no cache uses more bits of an address
TURN = 1 << 20  # bytes: the top of a level heap lies at the drawn offset, modulo so many
BEYOND = 1 << 24  # bytes: more than any hole of a heap, and fewer than glibc would map separately
HOLES, MOST_FILLED = (1 << 20, 1 << 18, 1 << 16, 1 << 14), 1 << 12  # bytes; smaller holes are left to small objects
POOL, STEP, MOST, OVERHEAD = 1 << 14, 16, 512, 33  # bytes of CPython: a pool, its size classes, an empty `bytes`
NOT_RANDOM = 0x0040000  # ADDR_NO_RANDOMIZE of sys/personality.h; debuggers set it, too
UNCHANGED = 0xFFFFFFFF  # asks for the personality without changing it
REFUSED = (
    "this system does not let a process switch off random memory addresses (in a container, seccomp forbids it), so the two "
    "sides of a round cannot have the same memory layout: rounds differ more, and a slowdown takes longer to show"
)

_taken: list[Any] = []  # kept for as long as the process lives
_allocate = ctypes.CDLL(None).malloc  # looked up once, because levelling a heap calls it hundreds of times
_allocate.argtypes, _allocate.restype = [ctypes.c_size_t], ctypes.c_void_p


def random_layout(order: random.Random) -> dict[str, str]:
    """A layout, as variables for the environment of processes; the same number of characters each time."""
    place = f"{order.randrange(HEAP):05d},{order.randrange(PAGES):04d}"
    return STEADY | {VARIABLE: place, HASHES: f"{order.randrange(1 << 32):010d}"}


@contextmanager
def fixed_addresses() -> Iterator[bool]:
    """Processes started within have no random addresses; yields False where the system refuses that.

    The kernel keeps this for each thread, and children inherit it from the thread that starts them.
    """
    personality = ctypes.CDLL(None).personality
    personality.argtypes = [ctypes.c_ulong]
    before = personality(UNCHANGED)
    fixed = before >= 0 and personality(before | NOT_RANDOM) >= 0
    try:
        yield fixed
    finally:
        if fixed:
            personality(before)


def take(environment: Mapping[str, str]) -> None:
    """Moves whatever this process loads and allocates from now on to where its layout says, if it has one."""
    if VARIABLE not in environment:
        return
    heap, pages = _place(environment)
    _malloc(TURN + heap)
    if pages:
        _taken.append(mmap.mmap(-1, pages * mmap.PAGESIZE))
    # Python's small objects lie in pools, on whole pages of their own: take a random number of objects of each size
    chance = random.Random(environment[VARIABLE])
    sizes = range(STEP * (OVERHEAD // STEP + 1), MOST + 1, STEP)
    _taken.extend([bytes(size - OVERHEAD) for _ in range(chance.randrange(POOL // size))] for size in sizes)


def level(environment: Mapping[str, str]) -> None:
    """Fills the holes of the heap and moves its top to where the layout says, if the process has one.

    Which hole a tensor gets depends on all that was loaded before, and so on every line of the code. How tensors lie to
    each other is worth several per cent of an update. In a level heap they lie one after the other, on both sides alike.
    """
    if VARIABLE not in environment:
        return
    heap, _ = _place(environment)
    end = _malloc(BEYOND)
    for size in HOLES:
        for _ in range(MOST_FILLED):
            if _malloc(size) > end:
                break
    _malloc(TURN + (heap - _malloc(TURN)) % TURN)  # a full turn more, because less might still fit into a hole


def _place(environment: Mapping[str, str]) -> tuple[int, int]:
    heap, pages = map(int, environment[VARIABLE].split(","))
    return heap, pages


def _malloc(size: int) -> int:
    """The address of so many bytes, which are never used and never given back; untouched pages take no memory."""
    return int(_allocate(size) or 0)
