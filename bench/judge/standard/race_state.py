"""The state that a race has reached: what the timed object does from it, and the same state put into the plain step."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from bench.judge.standard.observation import Observation, difference, kept, observe
from impls.recipe.facts import numbers, set_numbers
from impls.recipe.live_step import LiveStep

BEFORE = "before "  # begins the names of what belongs to the state
TENSOR, NUMBER, COUNT, UPDATES = (f"{BEFORE}{kind} " for kind in ("tensor", "number", "count", "updates"))
LOOKED = 3  # updates after which it is tried whether the state of a step can be put into it again


class NotCarried(Exception):
    """The state of one step cannot be put into another one; the message says why."""


def observed_here(step: LiveStep) -> Observation:
    """What two updates do from the state that a step is in, beside that state; the step is in it again afterwards."""
    with step.starting_here():
        return observe(step) | state_of(step)


def not_carried(plain: LiveStep) -> str:
    """Why the state of a plain step cannot be put into it again, so that the same updates follow; "" where it can."""
    plain.reset()
    plain.advance(LOOKED)
    observed = observed_here(plain)
    try:
        with carried(plain, observed):
            again = observe(plain)
    except NotCarried as error:
        return str(error)
    name = difference(again, without_state(observed))
    return f"the plain step keeps something besides tensors and numbers ({name} differs)" if name else ""


@contextmanager
def carried(step: LiveStep, observed: Observation) -> Iterator[None]:
    """While it is entered, the start of a plain step is the state that an observation began with. Raises NotCarried."""
    step.reset()
    try:
        _put_in(step, observed)
        with step.starting_here():
            yield
    finally:
        step.reset()


def without_state(observed: Observation) -> Observation:
    """What was observed, by itself."""
    return {name: value for name, value in observed.items() if not name.startswith(BEFORE)}


def state_of(step: LiveStep) -> Observation:
    """The state of a step by name: tensors, Python numbers, those that optimizers count with, and the updates made."""
    tensors = {TENSOR + name: kept(one) for name, one in step.tensors().items() if one.layout == torch.strided}
    counts = {COUNT + name: state[key] for name, state, key in _counts(step)}
    values = {NUMBER + name: value for name, value in numbers(step).items()} | counts | {UPDATES: step.number}
    return tensors | {name: torch.tensor(float(value), dtype=torch.float64) for name, value in values.items()}


@torch.no_grad()
def _put_in(step: LiveStep, observed: Observation) -> None:
    """Puts such a state into a plain step. Its Python numbers count only where the plain step moves some itself."""
    for name, tensor in step.tensors().items():
        if tensor.layout != torch.strided:
            continue
        value = observed.get(TENSOR + name)
        if value is None:
            raise NotCarried(f"it does not keep the {name} of the plain step")
        real = torch.view_as_real(tensor) if tensor.is_complex() else tensor
        if value.numel() != real.numel():
            raise NotCarried(f"its {name} has the shape {tuple(value.shape)}, and that of the plain step another one")
        real.data.copy_(value.reshape(real.shape))
    for name, state, key in _counts(step):
        if COUNT + name not in observed:
            raise NotCarried(f"its optimizer does not keep the {key} of the plain step")
        state[key] = type(state[key])(observed[COUNT + name].item())
    if step.facts.moving:
        values = {name.removeprefix(NUMBER): one.item() for name, one in observed.items() if name.startswith(NUMBER)}
        set_numbers(step, values)
    step.number = int(observed[UPDATES].item())


def _counts(step: LiveStep) -> Iterator[tuple[str, dict[str, Any], str]]:
    """The Python numbers that optimizers keep for parameters: a name for each, and where it is kept."""
    for path, optimizer in step.optimizers.items():
        for place, parameter in enumerate(
            parameter for group in optimizer.param_groups for parameter in group["params"]
        ):
            state = optimizer.state.get(parameter, {})
            for key, value in state.items():
                if isinstance(value, int | float) and not isinstance(value, bool):
                    yield f"{path} {place} {key}", state, key
