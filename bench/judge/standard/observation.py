"""What two updates of a step did: the values that are judged, by name, and the file that carries them to the judge."""

import contextlib
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.utils import _pytree as pytree

from impls.recipe.facts import numbers
from impls.recipe.live_step import LiveStep

Observation = dict[str, Tensor]

SEED = 77  # of the random numbers that they draw
LOSS, GRADIENT, CHANGE, COUNT, RANDOM = "loss", "gradient", "change of", "number of", "random state"
SKIPPED = "left out by the scaler"


def observe(
    step: LiveStep,
    mode: contextlib.AbstractContextManager[Any] | None = None,
    batches: Sequence[int | None] = (None, None),
    seed: int = SEED,
) -> Observation:
    """Makes an update on each of these batches, from the step's start, and goes back to it.

    None is the batch that is next; a number counts from the one that is next at the start.

    The answer has, on the CPU: "loss 0", what the first update returned, and "loss 1"; "gradient 0 of 2.weight" as the
    optimizer saw it, where there is one and the recipe lets it be seen; "change of parameter 2.weight" and of every other
    tensor of the state, in float64, by both updates; "number of ..." calls and evaluations; the generator's last state;
    "left out by the scaler" in how many updates a gradient scaler, where there is one, did not let the optimizer step.

    mode  what is entered meanwhile, as `ensemble.Moved` is
    seed  of the random numbers that they draw
    """
    step.reset()
    before = {name: kept(tensor) for name, tensor in step.tensors().items()}
    counted = {name: numbers(step)[name] for name in step.facts.moving if name in numbers(step)}
    seen: Observation = {}
    set_generators(seed)
    skipped, scalers = 0, step.scalers
    with watched(step, seen), mode or contextlib.nullcontext():
        for number, batch in enumerate(batches):
            scales = [scaler.get_scale() for scaler in scalers]
            seen |= losses(number, step.update_once(None if batch is None else step.start + batch))
            skipped += any(scaler.get_scale() < scale for scaler, scale in zip(scalers, scales, strict=True))
    state = torch.get_rng_state()
    after = {name: kept(tensor) for name, tensor in step.tensors().items()}
    seen |= {f"{CHANGE} {name}": _change(before.get(name), tensor) for name, tensor in after.items()}
    moved = numbers(step)
    seen |= {
        f"{CHANGE} number {name}": torch.tensor(float(moved[name] - value), dtype=torch.float64)
        for name, value in counted.items()
        if isinstance(moved.get(name), int | float)
    }
    step.reset()
    return seen | {RANDOM: state} | ({SKIPPED: torch.tensor(skipped)} if scalers else {})


def losses(number: int, returned: Any) -> Observation:
    """What an update returned, as far as it is numbers: one loss, or several by name."""
    named: Observation = {}
    for path, leaf in pytree.tree_flatten_with_path(returned)[0]:
        if isinstance(leaf, Tensor | float | int):
            place = ".".join(str(getattr(key, "key", getattr(key, "idx", key))) for key in path)
            value = leaf if isinstance(leaf, Tensor) else torch.tensor(leaf, dtype=torch.float64)
            named[f"{LOSS} {number}" + (f" of {place}" if place else "")] = kept(value)
    return named


@contextlib.contextmanager
def watched(step: LiveStep, seen: Observation) -> Iterator[None]:
    """While it is entered, adds to `seen` the gradients that each optimizer's `step` is called with.

    Of an optimizer that is given a closure, those of the first evaluation. Nothing is added for a whole update in one
    graph, whose gradients nobody can see, nor for another way to write the update, which may be compiled around `step`.
    """
    if step.recipe.whole or step.recipe.way:
        yield
        return
    names = {id(tensor): name.removeprefix("parameter ") for name, tensor in step.tensors().items()}
    undo = [_watch(optimizer, path, names, seen) for path, optimizer in step.optimizers.items()]
    try:
        yield
    finally:
        for back in undo:
            back()


def _watch(optimizer: Optimizer, path: str, names: dict[int, str], seen: Observation) -> Callable[[], None]:
    """Puts a look at the gradients before an optimizer's `step`; returns what takes it away again."""
    own = vars(optimizer).get("step")
    inner: Callable[..., Any] = optimizer.step
    where = f" by {path}" if path else ""
    calls = seen[f"{COUNT} calls of step{where}"] = torch.zeros((), dtype=torch.int64)
    evaluations = torch.zeros((), dtype=torch.int64)

    def look() -> None:
        scale = getattr(optimizer, "grad_scale", None)  # a fused optimizer divides by it itself
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    name = names.get(id(parameter), "an unnamed parameter")
                    gradient = parameter.grad / scale if scale is not None else parameter.grad
                    seen[f"{GRADIENT} {int(calls)}{where} of {name}"] = kept(gradient)

    def step(closure: Callable[[], Any] | None = None) -> Any:
        if closure is None:
            look()
            calls.add_(1)
            return inner()
        seen[f"{COUNT} evaluations{where}"] = evaluations
        before = int(evaluations)

        def evaluate() -> Any:
            value = closure()
            if int(evaluations) == before:
                look()
            evaluations.add_(1)
            return value

        returned = inner(evaluate)
        calls.add_(1)
        return returned

    optimizer.step = step  # type: ignore[method-assign]

    def back() -> None:
        if own is None:
            vars(optimizer).pop("step", None)
        else:
            optimizer.step = own  # type: ignore[method-assign]

    return back


def difference(one: Observation, other: Observation) -> str:
    """The first name under which two observations differ; "" where they are equal to the bit."""
    names = [*one, *(name for name in other if name not in one)]
    return next(
        (name for name in names if name not in one or name not in other or not _same(one[name], other[name])), ""
    )


def _same(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and torch.equal(one.nan_to_num(), other.nan_to_num())


def skipped_in(observation: Observation) -> int:
    """In how many of the updates a gradient scaler did not let the optimizer step."""
    return int(observation.get(SKIPPED, torch.tensor(0)))


def drew_the_same(answer: Observation, plain: Observation) -> bool:
    """Whether two runs left the generator of random numbers in the same state."""
    return RANDOM in answer and torch.equal(answer[RANDOM], plain[RANDOM])


def is_identical(answer: Observation, plain: Observation) -> bool:
    """Whether every bit of all that both have is equal, and the answer lacks nothing but gradients that cannot be seen."""
    hidden = not any(name.startswith(COUNT) for name in answer)
    names = {name for name in plain if name != RANDOM and not (hidden and name.startswith((GRADIENT, COUNT)))}
    return all(name in answer and _equal(answer[name], plain[name]) for name in names) and not any(
        name.startswith(GRADIENT) for name in answer.keys() - plain.keys()
    )


def _equal(one: Tensor, other: Tensor) -> bool:
    alike = one.dtype == other.dtype and one.shape == other.shape
    return alike and torch.equal(one.reshape(-1).view(torch.uint8), other.reshape(-1).view(torch.uint8))


def write(path: Path, observation: Observation) -> None:
    """Writes an observation to a safetensors file; no file of that name exists until it is complete."""
    partial = path.with_suffix(".partial")
    safetensors.torch.save_file(observation, partial)
    partial.rename(path)


def read(path: Path) -> Observation:
    """The observation in a file. Raises SafetensorError for a file that holds none, and OSError where there is none."""
    return safetensors.torch.load_file(path)


def set_generators(seed: int) -> None:
    """Sets every generator of random numbers anew."""
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)


@torch.no_grad()
def kept(tensor: Tensor) -> Tensor:
    """A copy of its own on the CPU, dense and in real numbers; of a tensor of which each rank holds a part, the whole."""
    tensor = tensor.detach()
    if hasattr(tensor, "full_tensor"):  # DTensor, whose import takes half a second
        tensor = tensor.full_tensor()
    if tensor.layout != torch.strided:
        tensor = tensor.to_dense()
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor.resolve_conj())
    return tensor.to("cpu", copy=True).contiguous()


def _change(before: Tensor | None, after: Tensor) -> Tensor:
    """What an update added to a tensor; what it is now, where there was none of its shape before, or none to subtract."""
    comparable = before is not None and before.shape == after.shape and after.dtype != torch.bool
    if not after.is_floating_point():
        return after.long() - before.long() if before is not None and comparable else after
    return after.double() - before.double() if before is not None and comparable else after.double()
