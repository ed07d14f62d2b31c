"""The cores on which the threads of this process may run."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path


def pin(cores: Sequence[int]) -> None:
    """Moves all threads to these cores; where OpenMP has bound its own to one core each, this one to the first."""
    for thread in _threads():
        with suppress(ProcessLookupError):  # it has ended meanwhile
            bound = len(cores) > 1 and len(os.sched_getaffinity(thread)) == 1
            if not bound:
                os.sched_setaffinity(thread, cores)
    if len(cores) > 1:
        os.sched_setaffinity(0, cores[:1])


def not_given(cores: Sequence[int]) -> tuple[int, ...]:
    """The cores besides these on which a thread may run: code of the arm has moved it there."""
    allowed = set[int]()
    for thread in _threads():
        with suppress(ProcessLookupError):
            allowed |= os.sched_getaffinity(thread)
    return tuple(sorted(allowed - set(cores)))


def _threads() -> list[int]:
    return [int(thread.name) for thread in Path("/proc/self/task").iterdir()]
