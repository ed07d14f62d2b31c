"""What an arm's own process finds out: blocks by the clock, exact counts, what the compiler did, and sessions of the profiler.

Apart from the worker, for nothing here may ever stand beside a timed block. Loads torch.
"""

import contextlib
import gc
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from bench import clock
from bench.profiler.py_spy import admit
from bench.worker import device
from bench.worker.profiler_events import PEAK, counts, notes
from bench.worker.torch_profiler import (
    MOST_SECONDS,
    MOST_UPDATES,
    Subject,
    profiled,
    session_of,
    summarised,
    traced,
    undisturbed,
)

BLOCK_SECONDS, CLOCKED_SECONDS, FEWEST_BLOCKS = 0.015, 0.15, 3
BUSY = 0.1  # of what the busiest thread worked: as much makes another one busy, too
COMPILED = (  # what `compiled` counts
    "graphs",
    "graph_breaks",
    "recompiles",
    "generated_kernels",
    "cache_hits",
    "cache_misses",
    "cudagraph_skips",
)


def clocked(subject: Subject, most: int = MOST_UPDATES) -> dict[str, Any]:
    """Blocks like those of a race with nothing attached, and the memory of a process that has done nothing else."""
    place = subject.setting.device
    device.forget_peak(place)
    subject.restart()
    updates = _updates_for(BLOCK_SECONDS, subject, most)
    before, worked = device.compilations(), _worked()
    blocks = _blocks(subject, updates, CLOCKED_SECONDS)
    busy = {thread: time - worked.get(thread, 0) for thread, time in _worked().items()}
    weights = subject.arm.weights().values()
    return {
        "seconds": undisturbed(blocks) / updates,
        "updates": updates,
        "recompiles": device.compilations() - before,
        "peak_resident_bytes": _peak_resident_bytes(),
        "peak_device_bytes": device.peak_bytes(place),
        "conditions": {
            "dtype": _listed(value.dtype for value in weights).replace("torch.", ""),
            "device": _listed(value.device.type for value in weights),
            "threads": str(torch.get_num_threads()),
            "busy threads": str(sum(time > BUSY * max(busy.values()) for time in busy.values())),
            **{name: str(value) for name, value in device.arithmetic().items()},
        },
    }


def _listed(values: Iterator[Any]) -> str:
    return ", ".join(sorted({str(value) for value in values}))


def _blocks(subject: Subject, updates: int, seconds: float) -> list[float]:
    """The seconds of blocks, made for so long."""
    begin, blocks = clock.now(), list[float]()
    while clock.now() - begin < seconds or len(blocks) < FEWEST_BLOCKS:
        blocks.append(subject.seconds(updates))
    return blocks


def _updates_for(seconds: float, subject: Subject, most: int) -> int:
    """About as many updates as take so long; no more than `most`, for some arms make any number in no time."""
    updates = 1
    while True:
        taken = subject.seconds(updates)
        if taken > seconds / 2 or updates >= most:
            return max(1, min(most, round(updates * seconds / max(taken, 1e-9))))
        updates = min(most, 10 * updates)


def _worked() -> dict[str, int]:
    """Nanoseconds that each thread of this process has had a processor for."""
    found = {}
    for thread in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):  # it ended just now
            found[thread.name] = int((thread / "schedstat").read_text().split()[0])
    return found or {"0": 1}  # a kernel that does not say: there is one thread at least


def _peak_resident_bytes() -> int:
    """Of this program alone: what getrusage says may be the parent's, whose memory the process began with."""
    found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024 if found else 0


def counted(subject: Subject, seconds: float, many: int = 0) -> dict[str, float]:
    """Quantities without noise, an update: what many more updates have more than a few.

    seconds  about how long an update takes; a few of those that take long are enough
    many     a power of two; 0: as many again as the few. What happens every k-th update only shows from 2 k on
    """
    few = _few(seconds)
    many = many or few
    less, more = (_counts(subject, updates) for updates in (few, few + many))
    return {name: (more[name] - less[name]) / many for name in less if name != PEAK} | {PEAK: more[PEAK]}


def _few(seconds: float) -> int:
    """A power of two, for what is unrolled is unrolled by one."""
    return 32 if 32 * seconds < MOST_SECONDS else 1


def _counts(subject: Subject, updates: int) -> Counter[str]:
    """Of so many updates, and of the restart before them: the profiler knows what is freed only if it saw it asked for."""
    with _uncollected():
        session, _ = session_of(subject, updates, before=subject.restart, memory=True)
    return counts(notes(session), on_device=subject.setting.device != "cpu")


def called(subject: Subject, seconds: float, many: int = 0) -> dict[str, float]:
    """Calls of Python functions an update, as `counted` counts. Last of all: what watches calls also changes them."""
    few = _few(seconds)
    many = many or few
    less, more = (_calls(subject, updates) for updates in (few, few + many))
    return {"python_calls": (more - less) / many}


def _calls(subject: Subject, updates: int) -> int:
    subject.restart()
    calls = 0

    def note(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    with _uncollected():
        sys.setprofile(note)
        try:
            subject.arm.advance(updates)
        finally:
            sys.setprofile(None)
    return calls


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """No garbage is collected meanwhile: when that happens is chance, and what it frees and calls is no part of an update."""
    collects = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def compiled(_subject: Subject) -> dict[str, Any]:
    """What torch.compile has done in this process so far: counts, and why graphs broke."""
    if "torch._dynamo.utils" not in sys.modules:  # nobody has loaded it, and a look must not
        return {"counters": dict.fromkeys(COMPILED, 0), "breaks": [], "compilations": 0}
    from torch._dynamo.utils import counters, get_compilation_metrics
    from torch._inductor import metrics

    again = [each for each in get_compilation_metrics() if not str(each.compile_id).endswith(("/0", "None"))]
    breaks = counters["graph_break"]
    inductor = counters["inductor"]
    values = (
        counters["stats"]["unique_graphs"],
        sum(breaks.values()),
        len({str(each.compile_id) for each in again}),
        metrics.generated_kernel_count,
        inductor["fxgraph_cache_hit"],
        inductor["fxgraph_cache_miss"],
        inductor["cudagraph_skips"],
    )
    return {
        "counters": dict(zip(COMPILED, values, strict=True)),
        "breaks": sorted({" ".join(reason.split("Developer debug context")[0].split())[:300] for reason in breaks}),
        "compilations": device.compilations(),
    }


def repeated(subject: Subject, updates: int, seconds: float) -> dict[str, Any]:
    """Blocks for so long, for somebody who looks from outside; this process lets its conductor's children do so."""
    admit(os.getppid())
    blocks = _blocks(subject, updates, seconds)
    return {"seconds": undisturbed(blocks) / updates, "updates": updates * len(blocks)}


LOOKS: dict[str, Callable[..., dict[str, Any]]] = {
    look.__name__: look for look in (clocked, counted, profiled, summarised, traced, compiled, called, repeated)
}
