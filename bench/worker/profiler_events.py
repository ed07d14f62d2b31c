"""Reads what PyTorch's profiler noted: counters, and the time of operations by name and by part of an update.

Loads torch for its types only; `torch_profiler.py` makes what is read here.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import accumulate
from typing import Any

from torch._C._autograd import DeviceType
from torch.autograd.profiler import profile
from torch.autograd.profiler_util import FunctionEvent

from bench.messages.probes import Summary
from bench.results.profile import Operation

NAMED = 40  # operations that keep their name; the others are summed up
WINDOW = "looprace: advance"  # the label around all that an arm does
PEAK = "peak_bytes"  # the only counter that is of all noted updates together
MEMORY = "[memory]"  # a note of memory asked for, or given back
READ = "aten::_local_scalar_dense"  # what item(), float(), bool() and the like come to
DISPATCHED = r"(?!autograd::|torch::autograd::)\w+::"  # and not the engine's own steps
DRIVER = {  # of the CUDA runtime and driver
    "kernel_launches": r"cu(da)?(Graph)?Launch",
    "synchronisations": r"cu(da)?\w*Synchronize",
    "copies": r"cu(da)?Memcpy",
}
FETCHING = re.compile(r"aten::(index|index_select|gather|take)$")  # what takes some rows of a tensor

Chain = tuple[str, ...]  # the names of an operation and of what it was called by, from the inside out


def name_of(event: FunctionEvent) -> str:
    """As PyTorch calls it."""
    return str(event.name)


def notes(session: profile) -> list[Any]:
    """All that the profiler noted, as it noted it: that takes a hundredth of the time of making events."""
    assert session.kineto_results is not None
    return session.kineto_results.events()


def counts(noted: Sequence[Any], *, on_device: bool) -> Counter[str]:
    """How many operations went through PyTorch's dispatcher, what memory they asked for, and what the device was asked.

    "peak_bytes" is the most that was held at a time within the window, beyond what was held at its beginning.
    """
    counters = Counter(dict.fromkeys(("operations", "host_reads", "allocations", "allocated_bytes"), 0))
    dispatched = cache(partial(re.match, DISPATCHED))  # there are many notes, and few names
    for note in noted:
        name = note.name()
        if name == MEMORY and note.nbytes() > 0:
            counters["allocations"] += 1
            counters["allocated_bytes"] += note.nbytes()
        elif dispatched(name) and note.device_type() == DeviceType.CPU and not _is_label(note):
            counters["operations"] += 1
            counters["host_reads"] += name == READ
    counters[PEAK] = _peak(noted)
    if on_device:
        window = _window(noted)
        end = window.end_ns() if window else 0  # what comes later is the harness's own waiting
        names = [note.name() for note in noted if note.start_ns() < end]
        for counter, pattern in DRIVER.items():
            counters[counter] = sum(re.match(pattern, name) is not None for name in names)
    return counters


def _is_label(note: Any) -> bool:
    """Whether it is somebody's label, or something that PyTorch itself does not show."""
    return bool(note.is_user_annotation() or note.is_hidden_event())


def _window(noted: Sequence[Any]) -> Any:
    """The host's note of the window, or None; the profiler makes another for the device, which ends with the last kernel."""
    return next((note for note in noted if note.name() == WINDOW and note.device_type() == DeviceType.CPU), None)


def _peak(noted: Sequence[Any]) -> int:
    window = _window(noted)
    if window is None:
        return 0
    memory = [note for note in noted if note.name() == MEMORY and note.start_ns() >= window.start_ns()]
    held = accumulate(note.nbytes() for note in sorted(memory, key=lambda note: note.start_ns()))
    return max(held, default=0)


def fetches(events: Sequence[FunctionEvent], rows: int) -> frozenset[Chain]:
    """The chains of those operations that take rows of the data: of a tensor with `rows` entries along its first axis.

    Taking rows of anything else, such as an embedding's table, is part of the model. Needs events with shapes.
    """
    return frozenset(
        _chain(event) for event in events if FETCHING.match(name_of(event)) and _first_length(event) == rows
    )


def _first_length(event: FunctionEvent) -> int | None:
    """The length of the first axis of an operation's first input; None where that has none."""
    shapes: Sequence[Sequence[int]] = event.input_shapes or ()  # type: ignore[assignment]  # PyTorch declares it too narrowly
    return shapes[0][0] if shapes and shapes[0] else None


def summary(events: Sequence[FunctionEvent], updates: int, seconds: float, fetched: Collection[Chain] = ()) -> Summary:
    """The operations by name and part, the time outside of them, and when the device was busy; all an update.

    seconds  of an update in this session
    fetched  how the arm takes the rows of a batch: see `fetches`
    """
    totals: dict[tuple[str, str], _Total] = defaultdict(_Total)
    outside = 0.0
    on_device: list[tuple[float, float]] = []
    for event in events:
        if event.device_type != DeviceType.CPU:
            if not event.is_user_annotation:
                on_device.append((event.time_range.start, event.time_range.end))
        elif name_of(event) == WINDOW:
            outside += event.self_cpu_time_total / 1e6
        else:
            name = re.sub(r"(CompiledFxGraph) \w+", r"\1", name_of(event))
            entered = event.cpu_parent is None or name_of(event.cpu_parent) == WINDOW
            totals[name, part_of(_chain(event), fetched)].add(1, entered, event.self_cpu_time_total / 1e6)
    for name, part in _longest_first(totals)[NAMED:]:
        other = totals.pop((name, part))
        totals["everything else", part].add(other.calls, other.entries, other.seconds)
    return Summary(
        profiled=seconds,
        outside=outside / updates,
        events=sum(total.calls for total in totals.values()) / updates,
        device=_covered(on_device) / 1e6 / updates if on_device else None,
        operations=tuple(totals[name, part].operation(name, part, updates) for name, part in _longest_first(totals)),
    )


@dataclass
class _Total:
    """Of one kind of operation, over all updates."""

    calls: int = 0
    entries: int = 0
    seconds: float = 0.0

    def add(self, calls: int, entries: int, seconds: float) -> None:
        self.calls += calls
        self.entries += entries
        self.seconds += seconds

    def operation(self, name: str, part: str, updates: int) -> Operation:
        """The same, an update."""
        calls, entries, seconds = (value / updates for value in (self.calls, self.entries, self.seconds))
        return Operation(name=name, part=part, calls=calls, entries=entries, seconds=seconds)


def _longest_first(totals: dict[tuple[str, str], _Total]) -> list[tuple[str, str]]:
    return sorted(totals, key=lambda key: (-totals[key].seconds, key))


def _chain(event: FunctionEvent | None) -> Chain:
    """Its own name and those of what it was called by, from the inside out, without the window."""
    return tuple(name for name in _names(event) if name != WINDOW)


def _names(event: FunctionEvent | None) -> Iterator[str]:
    while event is not None:
        yield name_of(event)
        event = event.cpu_parent


def _covered(spans: list[tuple[float, float]]) -> float:
    """The time in which at least one of the spans was going on."""
    covered, end = 0.0, float("-inf")
    for begin, until in sorted(spans):
        covered += max(0.0, until - max(begin, end))
        end = max(end, until)
    return covered


_WHOLE = (  # whatever is called from these belongs to them
    ("sync", r"aten::(item|_local_scalar_dense|is_nonzero|equal)$|cu(da)?\w*Synchronize"),
    ("data", r"enumerate\(DataLoader\)"),
    ("compiled", r"Torch-Compiled|TorchDynamo|## Call|Compiled\w*Function|AOTDispatcher|Pregraph|cu(da)?GraphLaunch"),
)
_NEAREST = (
    ("copy", r"aten::(copy_|to|_to_copy|contiguous|clone)$|cu(da)?Memcpy"),
    ("allocation", r"aten::(empty\w*|new_empty\w*|resize_)$|cu(da)?(Malloc|Free)"),
    ("optimizer", r"Optimizer\.(step|zero_grad)#"),
    ("backward", r"autograd::engine::evaluate_function"),
)


def part_of(chain: Chain, fetched: Collection[Chain] = ()) -> str:
    """The part of an update that an operation belongs to.

    Waiting, fetching rows and compiled code are wholes: whatever they call belongs to them. Of anything else the innermost
    name that says a part decides: a copy that the optimizer makes is a copy.
    """
    fetches_rows = any(chain[inner:] in fetched for inner in range(len(chain)))
    for part, pattern in _WHOLE:
        if any(re.match(pattern, name) for name in chain) or (part == "data" and fetches_rows):
            return part
    for name in chain:
        for part, pattern in _NEAREST:
            if re.match(pattern, name):
                return part
    return "forward"
