"""Memory layouts: drawn, held the same for processes started together, taken before anything is loaded."""

import ctypes
import os
import random
import subprocess
import sys

import pytest

from bench import layout
from bench.gate.duel import STEADY

# Where a process finds new room in its heap and a new mapping after it took its place, and where its stack begins.
WHERE = """
import ctypes, mmap, os
from bench import layout
layout.take(os.environ)
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
new = mmap.mmap(-1, 1 << 22)
stack = next(line for line in open("/proc/self/maps") if "[stack]" in line).split("-")[0]
print(libc.malloc(100000), ctypes.addressof(ctypes.c_char.from_buffer(new)), id(bytes(100)), int(stack, 16))
"""


@pytest.fixture
def can_hold() -> None:
    """Skips where the system refuses to lie still."""
    with layout.held() as held:
        if not held:
            pytest.skip("this system refuses personality()")


def place(drawn: dict[str, str]) -> tuple[int, ...]:
    """Addresses of new room in the heap, of a new mapping, a small object and the stack, in a process with this layout."""
    done = subprocess.run(
        [sys.executable, "-c", WHERE],
        env=os.environ | STEADY | {"PYTHONHASHSEED": "1"} | drawn,
        capture_output=True,
        text=True,
        check=True,
    )
    return tuple(map(int, done.stdout.split()))


def one(seed: int) -> dict[str, str]:
    """The layout that follows from a seed."""
    return layout.drawn(random.Random(seed))


@pytest.mark.usefixtures("can_hold")
def test_processes_with_one_layout_lie_at_the_same_addresses() -> None:
    """So what a layout does to speed, it does to both sides."""
    with layout.held():
        assert place(one(1)) == place(one(1))


@pytest.mark.usefixtures("can_hold")
def test_another_layout_moves_heap_mappings_and_objects_and_leaves_the_stack() -> None:
    """What a layout does to speed is drawn anew from round to round."""
    with layout.held():
        here, there = place(one(1)), place(one(2))
    assert [one == other for one, other in zip(here, there, strict=True)] == [False, False, False, True]


@pytest.mark.usefixtures("can_hold")
def test_afterwards_the_kernel_draws_again() -> None:
    """Nothing else that this process starts is held."""
    with layout.held():
        pass
    assert len({place(one(1))[-1] for _ in range(4)}) > 1


def test_every_layout_is_written_in_the_same_number_of_letters() -> None:
    """The environment lies on the stack, and its length would move it."""
    order = random.Random(0)
    assert len({len(layout.drawn(order)[layout.VARIABLE]) for _ in range(1000)}) == 1


def test_a_layout_follows_from_the_order_it_is_drawn_in() -> None:
    """A round can be repeated as it was."""
    assert one(7) == one(7)
    assert one(7) != one(8)


def test_a_process_for_which_nothing_was_drawn_stays_where_it_is() -> None:
    """A run's workers lie where a user's do."""
    layout.take({})


def test_a_system_that_refuses_is_said_to_and_processes_start_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """As containers do, by seccomp."""

    class Refusing:
        def __init__(self, _: None) -> None:
            self.personality = lambda persona: 0 if persona == layout.AS_IT_IS else -1

    monkeypatch.setattr(ctypes, "CDLL", Refusing)
    with layout.held() as held:
        assert not held
