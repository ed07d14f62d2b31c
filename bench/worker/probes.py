"""What is looked at in an arm's process besides its races: blocks, exact counts, the compiler, and sessions of the profiler.

Loads torch. None of this may ever run beside a timed block of a race, for it disturbs.
"""

import contextlib
import gc
import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch

from bench import clock
from bench.messages.probes import (
    Clock,
    Clocked,
    Compiled,
    Count,
    CountCalls,
    Counted,
    FindPatterns,
    LookIntoModules,
    Probe,
    ProbeAnswer,
    ReadCompiler,
    RecordSession,
    Repeat,
    Repeated,
    SummariseSessions,
    Trace,
)
from bench.messages.protocol import Done
from bench.system.toolchain import admit
from bench.worker import device
from bench.worker.module_costs import costs_of_modules
from bench.worker.patterns import patterns_of
from bench.worker.profiler_events import PEAK, counts, notes
from bench.worker.torch_profiler import (
    MOST_SECONDS,
    MOST_UPDATES,
    Subject,
    record_session,
    session_of,
    summarise,
    trace,
    undisturbed,
)

BLOCK_SECONDS, CLOCKED_SECONDS, FEWEST_BLOCKS = 0.015, 0.15, 3
BUSY = 0.1  # share of the busiest thread's processor time from which another thread counts as busy, too
COMPILED = (  # the counters of `read_compiler`
    "graphs",
    "graph_breaks",
    "recompiles",
    "generated_kernels",
    "cache_hits",
    "cache_misses",
    "cudagraph_skips",
)


def carried_out(subject: Subject, command: Probe) -> ProbeAnswer:
    """The answer to a probe."""
    match command:
        case Clock():
            return time_blocks(subject, command.most or MOST_UPDATES)
        case Count():
            return Counted(counters=count(subject, command.seconds, command.updates))
        case CountCalls():
            return Counted(counters=count_calls(subject, command.seconds, command.updates))
        case RecordSession():
            record_session(subject, command.seconds)
            return Done()
        case SummariseSessions():
            return summarise(subject)
        case Trace():
            return trace(subject, command.seconds, command.target)
        case LookIntoModules():
            return costs_of_modules(subject, command.seconds)
        case FindPatterns():
            return patterns_of(subject)
        case ReadCompiler():
            return read_compiler()
        case Repeat():
            return repeat(subject, command.updates, command.seconds)


def time_blocks(subject: Subject, most: int = MOST_UPDATES) -> Clocked:
    """Blocks like those of a race with nothing attached, and the memory of a process that has done nothing else."""
    place = subject.setting.device
    device.forget_peak(place)
    subject.restart()
    updates = _updates_for(BLOCK_SECONDS, subject, most)
    compilations, processor_times = device.compilations(), _processor_times()
    blocks = _blocks(subject, updates, CLOCKED_SECONDS)
    busy = {thread: time - processor_times.get(thread, 0) for thread, time in _processor_times().items()}
    weights = subject.weights
    return Clocked(
        seconds=undisturbed(blocks) / updates,
        updates=updates,
        recompiles=device.compilations() - compilations,
        peak_resident_bytes=_peak_resident_bytes(),
        peak_device_bytes=device.peak_bytes(place),
        conditions={
            "dtype": _listed(value.dtype for value in weights).replace("torch.", ""),
            "device": _listed(value.device.type for value in weights),
            "threads": str(torch.get_num_threads()),
            "busy threads": str(sum(time > BUSY * max(busy.values()) for time in busy.values())),
            **{name: str(value) for name, value in device.arithmetic().items()},
        },
    )


def _listed(values: Iterable[Any]) -> str:
    return ", ".join(sorted({str(value) for value in values}))


def _blocks(subject: Subject, updates: int, seconds: float) -> list[float]:
    """The seconds of blocks that are made one after the other until `seconds` are over."""
    begin, blocks = clock.now(), list[float]()
    while clock.now() - begin < seconds or len(blocks) < FEWEST_BLOCKS:
        blocks.append(subject.seconds(updates))
    return blocks


def _updates_for(seconds: float, subject: Subject, most: int) -> int:
    """About as many updates as take `seconds`, and no more than `most`: some arms make any number in no time."""
    updates = 1
    while True:
        taken = subject.seconds(updates)
        if taken > seconds / 2 or updates >= most:
            return max(1, min(most, round(updates * seconds / max(taken, 1e-9))))
        updates = min(most, 10 * updates)


def _processor_times() -> dict[str, int]:
    """Nanoseconds that each thread of this process has had a processor for."""
    times = {}
    for thread in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):  # the thread ended just now
            times[thread.name] = int((thread / "schedstat").read_text().split()[0])
    return times or {"0": 1}  # a kernel without schedstat: there is one thread at least


def _peak_resident_bytes() -> int:
    """The most memory of this program alone; getrusage may report the parent's, with which the process began."""
    line = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    return int(line[1]) * 1024 if line else 0


def count(subject: Subject, seconds: float, many: int = 0) -> dict[str, float]:
    """Counters of an update: what many more updates have more than a few.

    seconds  about how long an update takes; of slow ones, a few are enough
    many     a power of two; 0: as many again as the few. What happens every k-th update only shows from 2 k on
    """
    few = _few(seconds)
    many = many or few
    less, more = (_counts(subject, updates) for updates in (few, few + many))
    rates = {name: (more[name] - less[name]) / many for name in less if name != PEAK}
    return rates | {PEAK: more[PEAK]} | _state(subject)


def _state(subject: Subject) -> dict[str, float]:
    """The memory of what a step keeps from one update to the next; an exact workload keeps next to nothing."""
    if not subject.setting.is_step:
        return {}
    return {
        "state_bytes": sum(tensor.untyped_storage().nbytes() for tensor in _storages(subject.arm.tensors().values()))
    }


def _storages(tensors: Iterable[torch.Tensor]) -> list[torch.Tensor]:
    """One tensor for each block of memory: views share one."""
    dense = [tensor for tensor in tensors if tensor.layout == torch.strided]
    return list({tensor.untyped_storage().data_ptr(): tensor for tensor in dense}.values())


def _few(seconds: float) -> int:
    """A power of two, because arms that unroll their loop do so by a power of two."""
    return 32 if 32 * seconds < MOST_SECONDS else 1


def _counts(subject: Subject, updates: int) -> Counter[str]:
    """Counters of so many updates and of the restart before them.

    The restart is watched, too, because the profiler reports memory as freed only if it saw it allocated.
    """
    with _no_collection():
        session, _ = session_of(subject, updates, before=subject.restart, memory=True)
    return counts(notes(session), on_device=subject.setting.device != "cpu")


def count_calls(subject: Subject, seconds: float, many: int = 0) -> dict[str, float]:
    """Calls of Python functions an update, counted as `count` does. Do it last: what watches calls also changes them."""
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

    with _no_collection():
        sys.setprofile(note)
        try:
            subject.arm.advance(updates)
        finally:
            sys.setprofile(None)
    return calls


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """No garbage is collected within: when that happens is chance, and what it frees and calls belongs to no update."""
    collects = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def read_compiler() -> Compiled:
    """What torch.compile has done in this process so far: counters, and why graphs broke."""
    if "torch._dynamo.utils" not in sys.modules:  # nobody has loaded the compiler, and a probe must not
        return Compiled(counters=dict.fromkeys(COMPILED, 0), breaks=(), compilations=0)
    from torch._dynamo.utils import counters, get_compilation_metrics
    from torch._inductor import metrics

    again = [metric for metric in get_compilation_metrics() if not str(metric.compile_id).endswith(("/0", "None"))]
    breaks = counters["graph_break"]
    inductor = counters["inductor"]
    values = (
        counters["stats"]["unique_graphs"],
        sum(breaks.values()),
        len({str(metric.compile_id) for metric in again}),
        metrics.generated_kernel_count,
        inductor["fxgraph_cache_hit"],
        inductor["fxgraph_cache_miss"],
        inductor["cudagraph_skips"],
    )
    reasons = {" ".join(reason.split("Developer debug context")[0].split())[:300] for reason in breaks}
    return Compiled(
        counters=dict(zip(COMPILED, values, strict=True)),
        breaks=tuple(sorted(reasons)),
        compilations=device.compilations(),
    )


def repeat(subject: Subject, updates: int, seconds: float) -> Repeated:
    """Blocks for so long, for a profiler or meter outside; the main process's children may look into this process."""
    admit(os.getppid())
    blocks = _blocks(subject, updates, seconds)
    return Repeated(seconds=undisturbed(blocks) / updates, updates=updates * len(blocks))
