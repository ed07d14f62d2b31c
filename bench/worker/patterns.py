"""What PyTorch's own pattern finder sees in an update. Loads torch.

The finder reads a session with Python's stacks and shapes, which disturbs every operation: nothing is timed in it.
"""

from collections.abc import Sequence
from typing import Any

import torch

from bench.messages.probes import PatternsSeen
from bench.results.profile import PatternSeen
from bench.worker.torch_profiler import Subject

UPDATES = 2


def patterns_of(subject: Subject) -> PatternsSeen:
    """What it finds in a few updates, and what it predicts where it has a benchmark; or why it cannot be asked."""
    from torch.profiler import (  # loads the compiler: only a profiled process pays for it
        ProfilerActivity,
        _pattern_matcher,
        profile,
    )

    activities = [ProfilerActivity.CPU]
    if subject.setting.device == "cuda":
        activities.append(ProfilerActivity.CUDA)
    subject.restart()
    with profile(activities=activities, record_shapes=True, with_stack=True) as session:
        subject.arm.advance(UPDATES)
    before = torch.get_float32_matmul_precision()
    try:
        finders = [kind(session) for kind in _kinds(_pattern_matcher, subject.setting.device)]
        seen = [_seen(finder, finder.matched_events()) for finder in finders]
    except Exception as error:  # noqa: BLE001 - a private part of PyTorch, which may fail as it likes; a profile goes on
        return PatternsSeen(missing=f"{type(error).__name__}: {error}"[:300])
    finally:
        torch.set_float32_matmul_precision(before)  # its benchmarks leave TF32 on
    return PatternsSeen(patterns=tuple(one for one in seen if one.times))


def _kinds(module: Any, place: str) -> list[Any]:
    """The patterns that PyTorch has for a device, without the one that is made of any name.

    Those with a benchmark are for GPUs; one of them, TF32, is found on a CPU as well, where its advice is wrong.
    """
    named = [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, module.Pattern)]
    return [
        kind
        for kind in named
        if kind not in (module.Pattern, module.NamePattern) and (place != "cpu" or not hasattr(kind, "benchmark"))
    ]


def _seen(finder: Any, events: Sequence[Any]) -> PatternSeen:
    """What one pattern was found, and the seconds that its own benchmark says could be saved."""
    from torch.profiler._pattern_matcher import input_shapes

    saves = None
    if events and hasattr(finder, "benchmark"):
        factors = finder.benchmark(events)
        saved = sum((1 - factors[input_shapes(event)]) * event.duration_time_ns for event in events)
        saves = saved / 1e9 / UPDATES
    return PatternSeen(name=finder.name, advice=finder.description, times=len(events) / UPDATES, saves=saves)
