"""Memory layouts: random, the same for processes that share one, and in place before anything is loaded."""

import ctypes
import os
import random
import subprocess
import sys

import pytest

from bench.processes import memory_layout

# Where a process finds new room in its heap and a new mapping after it took its place, and where its stack begins.
WHERE = """
import ctypes, mmap, os
from bench.processes import memory_layout as layout
layout.take(os.environ)
layout.level(os.environ)
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
new = mmap.mmap(-1, 1 << 22)
stack = next(line for line in open("/proc/self/maps") if "[stack]" in line).split("-")[0]
print(libc.malloc(100000), ctypes.addressof(ctypes.c_char.from_buffer(new)), id(bytes(100)), int(stack, 16))
"""


# Where two tensors' worth of memory come to lie after so many pieces of memory were taken, and every second given back.
AFTER = """
import ctypes, os, sys
from bench.processes import memory_layout as layout
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
layout.take(os.environ)
pieces = [libc.malloc(1000 * (1 + piece % 700)) for piece in range(int(sys.argv[1]))]
for piece in pieces[::2]:
    libc.free(piece)
layout.level(os.environ)
one, other = libc.malloc(400_000), libc.malloc(400_000)
print(one % layout.TURN, other - one)
"""


def place(drawn: dict[str, str], program: str = WHERE, *arguments: str) -> tuple[int, ...]:
    """What a process with this layout prints; by default the addresses of heap, a mapping, an object and the stack."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=os.environ | {"PYTHONHASHSEED": "1"} | drawn,
        capture_output=True,
        text=True,
        check=True,
    )
    return tuple(map(int, done.stdout.split()))


def one(seed: int) -> dict[str, str]:
    """The layout that follows from a seed."""
    return memory_layout.random_layout(random.Random(seed))


@pytest.mark.usefixtures("can_hold")
def test_processes_with_one_layout_lie_at_the_same_addresses() -> None:
    """So a layout has the same effect on both sides."""
    with memory_layout.fixed_addresses():
        assert place(one(1)) == place(one(1))


@pytest.mark.usefixtures("can_hold")
def test_another_layout_moves_heap_mappings_and_objects_and_leaves_the_stack() -> None:
    """So its effect on speed changes from round to round."""
    with memory_layout.fixed_addresses():
        here, there = place(one(1)), place(one(2))
    assert [one == other for one, other in zip(here, there, strict=True)] == [False, False, False, True]


@pytest.mark.parametrize("pieces", ["0", "700", "1999"])
def test_in_a_level_heap_tensors_lie_at_the_drawn_offset_and_in_a_row(pieces: str) -> None:
    """Whatever was allocated and freed before: so the length of a module decides no address."""
    heap = int(one(1)[memory_layout.VARIABLE].split(",")[0])
    (where, apart), (there, as_far) = place(one(1), AFTER, "0"), place(one(1), AFTER, pieces)
    assert (where, apart) == (there, as_far)
    assert 0 <= (where - heap) % memory_layout.TURN < 64
    assert 400_000 <= apart < 400_064


@pytest.mark.usefixtures("can_hold")
def test_afterwards_addresses_are_random_again() -> None:
    """Processes that are started later have random addresses."""
    with memory_layout.fixed_addresses():
        pass
    assert len({place(one(1))[-1] for _ in range(4)}) > 1


def test_every_layout_is_written_in_the_same_number_of_letters() -> None:
    """The environment lies on the stack, and its length would move the stack."""
    order = random.Random(0)
    assert len({len(memory_layout.random_layout(order)[memory_layout.VARIABLE]) for _ in range(1000)}) == 1


def test_a_layout_follows_from_the_order_it_is_drawn_in() -> None:
    """So a round can be repeated."""
    assert one(7) == one(7)
    assert one(7) != one(8)


def test_a_process_without_a_layout_allocates_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The workers of a run have no layout, and nothing is allocated for one."""
    monkeypatch.delattr(memory_layout, "_malloc")
    memory_layout.take({})
    memory_layout.level({})


def test_a_system_that_refuses_is_reported_and_processes_start_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers do so, by seccomp."""

    class Refusing:
        def __init__(self, _: None) -> None:
            self.personality = lambda persona: 0 if persona == memory_layout.UNCHANGED else -1

    monkeypatch.setattr(ctypes, "CDLL", Refusing)
    with memory_layout.fixed_addresses() as fixed:
        assert not fixed
