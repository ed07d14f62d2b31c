"""The phases of a step's update, timed by reading the clock between them: in blocks of their own. Loads torch.

data       making a batch by the file's own `batches`, and placing it. It is no part of an update as it is raced, which reads
           batches that were drawn once: so a slower data path shows here alone.
backward   inside of torch.autograd's `backward` and `grad`
optimizer  inside of `step` and `zero_grad` of torch's optimizers, and what lies between a backward and the step after it
forward    all else

An optimizer whose step calls a closure has the closure's forward in its own phase.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from bench import clock
from bench.worker.device import Stopwatch
from impls.recipe.live_step import LiveStep

DATA, FORWARD, BACKWARD, OPTIMIZER = "data", "forward", "backward", "optimizer"


class Phases:
    """Times the phases of a live step, whose own batches go on from block to block."""

    def __init__(self, step: LiveStep, stopwatch: Stopwatch) -> None:
        self._step, self._stopwatch = step, stopwatch
        self._batches = step.made_batches()
        next(self._batches)  # the first one may read a data set

    def time(self, updates: int) -> dict[str, float]:
        """Seconds of each phase of the next updates; empty where no backward can be seen, as in a compiled update."""
        times = _Times(self._stopwatch)
        with _watched(self._step, times):
            times.start()
            for _ in range(updates):
                with times.inside(DATA):
                    next(self._batches)
                self._step.update_once()
            times.stop()
        return times.seconds if times.seconds[BACKWARD] else {}


class _Times:
    """Adds up the seconds of phases. What lies between two of them belongs to one of both, or to the one around them."""

    def __init__(self, stopwatch: Stopwatch) -> None:
        self.seconds = dict.fromkeys((DATA, FORWARD, BACKWARD, OPTIMIZER), 0.0)
        self._drain = stopwatch.drain
        self._around: list[str] = []
        self._last, self._since = FORWARD, 0.0

    def start(self) -> None:
        """The first update begins."""
        self._drain()
        self._since = clock.now()

    def stop(self) -> None:
        """The last update is over."""
        self._add(FORWARD)

    @contextmanager
    def inside(self, phase: str) -> Iterator[None]:
        """Whatever is done while it is entered belongs to the phase."""
        between = OPTIMIZER if (self._last, phase) == (BACKWARD, OPTIMIZER) else FORWARD
        self._add(self._around[-1] if self._around else between)
        self._around.append(phase)
        try:
            yield
        finally:
            self._add(phase)
            self._last = self._around.pop()

    def _add(self, phase: str) -> None:
        self._drain()
        now = clock.now()
        self.seconds[phase] += now - self._since
        self._since = now


@contextmanager
def _watched(step: LiveStep, times: _Times) -> Iterator[None]:
    """While it is entered, calls of autograd and of the step's optimizers tell when they begin and end."""
    optimizers = step.optimizers.values()
    watched: list[tuple[Any, str, str]] = [(torch.autograd, name, BACKWARD) for name in ("backward", "grad")]
    watched += [(one, name, OPTIMIZER) for one in optimizers for name in ("step", "zero_grad")]
    with ExitStack() as stack:
        for owner, name, phase in watched:
            stack.enter_context(_replaced(owner, name, _timed(getattr(owner, name), times, phase)))
        yield


def _timed(call: Callable[..., Any], times: _Times, phase: str) -> Callable[..., Any]:
    def timed(*arguments: Any, **keywords: Any) -> Any:
        with times.inside(phase):
            return call(*arguments, **keywords)

    return timed


@contextmanager
def _replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """While it is entered, an attribute has another value; one that only the class has is removed again."""
    own = vars(owner)
    before, had = own.get(name), name in own
    setattr(owner, name, value)
    try:
        yield
    finally:
        if had:
            setattr(owner, name, before)
        else:
            delattr(owner, name)
