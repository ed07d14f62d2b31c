"""Reads what PyTorch's profiler noted: which operations, which part of an update each belongs to, what is between them.

Apart from torch_profiler.py, which makes the notes. Loads torch for its types only.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import accumulate
from typing import Any

from torch._C._autograd import DeviceType
from torch.autograd.profiler import profile
from torch.autograd.profiler_util import FunctionEvent

NAMED = 40  # operations that keep their name; the others are summed up
WINDOW = "looprace: advance"  # the label around all that an arm does
PEAK = "peak_bytes"  # the only count that is of all noted updates together
MEMORY = "[memory]"  # a note of memory asked for, or given back
READ = "aten::_local_scalar_dense"  # what item(), float(), bool() and the like come to
DISPATCHED = r"(?!autograd::|torch::autograd::)\w+::"  # and not the engine's own steps
ASKED = {  # of the CUDA runtime and driver
    "kernel_launches": r"cu(da)?(Graph)?Launch",
    "synchronisations": r"cu(da)?\w*Synchronize",
    "copies": r"cu(da)?Memcpy",
}


def name_of(event: FunctionEvent) -> str:
    """As PyTorch calls it."""
    return str(event.name)


def notes(session: profile) -> list[Any]:
    """All that the profiler noted, as it noted it: reading it so takes a hundredth of the time that making events does."""
    assert session.kineto_results is not None
    return session.kineto_results.events()


def counts(noted: Sequence[Any], *, on_device: bool) -> Counter[str]:
    """How many operations went through PyTorch's dispatcher, what memory they asked for, and what the device was asked.

    "peak_bytes" is the most that was held at a time within the window, beyond what was held at its beginning.
    """
    found = Counter(dict.fromkeys(("operations", "host_reads", "allocations", "allocated_bytes"), 0))
    dispatched = cache(partial(re.match, DISPATCHED))  # there are many notes, and few names
    for each in noted:
        name = each.name()
        if name == MEMORY and each.nbytes() > 0:
            found["allocations"] += 1
            found["allocated_bytes"] += each.nbytes()
        elif dispatched(name) and each.device_type() == DeviceType.CPU and not _aside(each):
            found["operations"] += 1
            found["host_reads"] += name == READ
    found[PEAK] = _peak(noted)
    if on_device:
        window = _window(noted)
        end = window.end_ns() if window else 0
        asked = [
            each.name() for each in noted if each.start_ns() < end
        ]  # what comes later is the harness's own waiting
        for name, pattern in ASKED.items():
            found[name] = sum(re.match(pattern, each) is not None for each in asked)
    return found


def _aside(note: Any) -> bool:
    """Whether it is somebody's label, or what PyTorch itself does not show."""
    return bool(note.is_user_annotation() or note.is_hidden_event())


def _window(noted: Sequence[Any]) -> Any:
    """The host's note of it, or None; the profiler makes another for the device, which ends with the last kernel."""
    return next((each for each in noted if each.name() == WINDOW and each.device_type() == DeviceType.CPU), None)


def _peak(noted: Sequence[Any]) -> int:
    window = _window(noted)
    if window is None:
        return 0
    asked = [each for each in noted if each.name() == MEMORY and each.start_ns() >= window.start_ns()]
    held = accumulate(each.nbytes() for each in sorted(asked, key=lambda each: each.start_ns()))
    return max(held, default=0)


def summary(events: Sequence[FunctionEvent], updates: int) -> dict[str, Any]:
    """The operations by name and part, the time outside of them, and when the device was busy; all an update."""
    found: dict[tuple[str, str], _Total] = defaultdict(_Total)
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
            found[name, part_of(_names(event))].add(1, entered, event.self_cpu_time_total / 1e6)
    for name, part in _longest_first(found)[NAMED:]:
        other = found.pop((name, part))
        found["everything else", part].add(other.calls, other.entries, other.seconds)
    return {
        "outside": outside / updates,
        "events": sum(total.calls for total in found.values()) / updates,
        "device": _covered(on_device) / 1e6 / updates if on_device else None,
        "operations": [
            {"name": name, "part": part} | {each: value / updates for each, value in vars(found[name, part]).items()}
            for name, part in _longest_first(found)
        ],
    }


@dataclass
class _Total:
    """Of one kind of operation, over all updates; the names are those of an Operation."""

    calls: int = 0
    entries: int = 0
    seconds: float = 0.0

    def add(self, calls: int, entries: int, seconds: float) -> None:
        self.calls += calls
        self.entries += entries
        self.seconds += seconds


def _longest_first(found: dict[tuple[str, str], _Total]) -> list[tuple[str, str]]:
    return sorted(found, key=lambda key: (-found[key].seconds, key))


def _names(event: FunctionEvent | None) -> Iterator[str]:
    """Its own name and those of what it was called by, from the inside out."""
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
    ("data", r"enumerate\(DataLoader\)|aten::(index|index_select|gather|take|_index_put_impl_)$"),
    ("compiled", r"Torch-Compiled|TorchDynamo|## Call|Compiled\w*Function|AOTDispatcher|Pregraph|cu(da)?GraphLaunch"),
)
_NEAREST = (
    ("copy", r"aten::(copy_|to|_to_copy|contiguous|clone)$|cu(da)?Memcpy"),
    ("allocation", r"aten::(empty\w*|new_empty\w*|resize_)$|cu(da)?(Malloc|Free)"),
    ("optimizer", r"Optimizer\.(step|zero_grad)#"),
    ("backward", r"autograd::engine::evaluate_function"),
)


def part_of(names: Iterator[str]) -> str:
    """Where an operation belongs, by its name and the names of what called it, from the inside out.

    Waiting, fetching rows and compiled code are wholes. Of anything else the nearest counts: a copy that the optimizer
    makes is a copy.
    """
    chain = list(names)
    for part, pattern in _WHOLE:
        if any(re.match(pattern, name) for name in chain):
            return part
    for name in chain:
        for part, pattern in _NEAREST:
            if re.match(pattern, name):
                return part
    return "forward"
