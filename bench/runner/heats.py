"""Heats: where the processes of all arms do not fit into memory, rounds race some of them in turn, with the reference."""

from collections.abc import Sequence

import psutil

from bench.results.record import Arm
from bench.system.linux import Host, limits

KEPT_FREE = 0.2  # share of the available memory that no arm is given
SHARED = 2  # arms that are in every heat: the reference and its twin


def memory_available() -> int:
    """Bytes that new processes can use without swapping, also in a container that has less than the machine."""
    here, group = int(psutil.virtual_memory().available), limits(Host())
    if group.memory is None or group.memory_used is None:
        return here
    return min(here, max(0, group.memory - group.memory_used))


def heats_of(arms: Sequence[Arm], needed: int, available: int) -> list[Sequence[Arm]]:
    """The arms of each heat, as even as can be, each with the reference and its twin; none where all fit at once.

    needed     bytes of one arm's process
    available  bytes of memory
    """
    fitting = int(available * (1 - KEPT_FREE) / max(1, needed))
    if len(arms) <= fitting:
        return []
    shared, others = arms[:SHARED], arms[SHARED:]
    count = -(-len(others) // max(1, fitting - SHARED))
    return [(*shared, *others[number::count]) for number in range(count)]
