"""Mistakes that the plain step is made to make on purpose, to name the one that a wrong answer has made."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

from bench.judge.standard.bits import ALGEBRA, Standard, compare
from bench.judge.standard.observation import CHANGE, Observation, observe
from impls.recipe.live_step import LiveStep

PROBE = 2.0**-10  # relative factor by which a size is changed to see what answers to it
REPEATS = 6  # of the search for a factor, by Newton's method
NEARER = 2.0  # bits by which an answer must be nearer to a mistake than to the truth
LARGEST = 100.0  # factors beyond this are not looked for

Made = Callable[[LiveStep], contextlib.AbstractContextManager[None]]


@dataclass(frozen=True)
class Mistake:
    """A known way to be wrong.

    text     goes on after "it is what comes out when": "the second update is left out"
    made     makes the plain step make it, while it is entered
    batches  that the updates read: see `observe`
    """

    text: str
    made: Made = lambda _: contextlib.nullcontext()
    batches: Sequence[int | None] = (None, None)


@contextlib.contextmanager
def _gradients_kept(step: LiveStep) -> Iterator[None]:
    """Gradients are not set to None or zero."""
    with _replaced([(one, "zero_grad", lambda *_, **__: None) for one in step.optimizers.values()]):
        yield


@contextlib.contextmanager
def _no_step(step: LiveStep) -> Iterator[None]:
    with _replaced([(one, "step", lambda *_, **__: None) for one in step.optimizers.values()]):
        yield


@contextlib.contextmanager
def _no_weight_decay(step: LiveStep) -> Iterator[None]:
    groups = [group for one in step.optimizers.values() for group in one.param_groups if group.get("weight_decay")]
    before = [group["weight_decay"] for group in groups]
    for group in groups:
        group["weight_decay"] = 0.0
    try:
        yield
    finally:
        for group, value in zip(groups, before, strict=True):
            group["weight_decay"] = value


@contextlib.contextmanager
def _whole_weight_decay(step: LiveStep) -> Iterator[None]:
    """Matrices decay as if by weight_decay=1: what inductor 2.13 makes of add(mm(a, b), p, alpha=weight_decay)."""

    def decayed(group: dict[str, Any]) -> None:
        for parameter in group["params"]:
            if parameter.grad is not None and parameter.dim() == 2 and group.get("weight_decay"):
                parameter.grad = parameter.grad + (1 - group["weight_decay"]) * parameter.detach()

    with with_gradients(step, decayed):
        yield


@contextlib.contextmanager
def _gradients_not_changed(step: LiveStep) -> Iterator[None]:
    """What the file's `gradients` does is left out."""
    with _replaced([(step.module, "gradients", lambda *_, **__: None)] if hasattr(step.module, "gradients") else []):
        yield


@contextlib.contextmanager
def _loss_twice(step: LiveStep) -> Iterator[None]:
    """The loss is computed once more, without gradients, before each time that it is computed."""
    inner = getattr(step.module, "loss", None)

    def loss(*arguments: Any) -> Any:
        with torch.no_grad():
            inner(*arguments)  # type: ignore[misc]
        return inner(*arguments)  # type: ignore[misc]

    with _replaced([(step.module, "loss", loss)] if inner else []):
        yield


@contextlib.contextmanager
def _evaluation_mode(step: LiveStep) -> Iterator[None]:
    training = [part for module in step.modules.values() for part in module.modules() if part.training]
    for part in training:
        nn.Module.train(part, False)
    try:
        yield
    finally:
        for part in training:
            part.training = True


@contextlib.contextmanager
def _halves(step: LiveStep) -> Iterator[None]:
    """The loss is the mean of those of the batch's two halves."""
    inner = getattr(step.module, "loss", None)

    def loss(model: Any, batch: Any) -> Any:
        leaves, structure = pytree.tree_flatten(batch)
        halves = [pytree.tree_unflatten([leaf.chunk(2)[part] for leaf in leaves], structure) for part in (0, 1)]
        return (inner(model, halves[0]) + inner(model, halves[1])) / 2  # type: ignore[misc]

    with _replaced([(step.module, "loss", loss)] if inner else []):
        yield


def multiplied(factor: float) -> Made:
    """Every gradient is multiplied before the optimizer reads it."""

    def multiply(group: dict[str, Any]) -> None:
        for parameter in group["params"]:
            if parameter.grad is not None:
                parameter.grad.mul_(factor)

    return lambda step: with_gradients(step, multiply)


def other_rate(factor: float) -> Made:
    """Every learning rate is multiplied while its optimizer steps; a schedule sets it anew before each update."""

    def changed(inner: Callable[..., Any], groups: list[dict[str, Any]]) -> Callable[..., Any]:
        def stepped(*arguments: Any) -> Any:
            before = [group["lr"] for group in groups]
            for group in groups:
                group["lr"] = group["lr"] * factor
            try:
                return inner(*arguments)
            finally:
                for group, rate in zip(groups, before, strict=True):
                    group["lr"] = rate

        return stepped

    return lambda step: _replaced(
        [(one, "step", changed(one.step, one.param_groups)) for one in step.optimizers.values()]
    )


MISTAKES = (
    Mistake("no update is made at all", batches=()),
    Mistake("the optimizer's step is left out", _no_step),
    Mistake("the second update is left out", batches=(None,)),
    Mistake("the first update is left out", batches=(1,)),
    Mistake("the second update reads the batch of the first again (a stale batch)", batches=(0, 0)),
    Mistake("each update reads the batch of the one before (a stale batch)", batches=(-1, 0)),
    Mistake("each update reads the batch of the one after it", batches=(1, 2)),
    Mistake("gradients are added to those of the update before (zero_grad is missing)", _gradients_kept),
    Mistake("the weight decay is lost", _no_weight_decay),
    Mistake("matrices decay by 1 instead of by weight_decay (a known fault of inductor)", _whole_weight_decay),
    Mistake("what `gradients` does to the gradients is left out", _gradients_not_changed),
    Mistake("the loss is computed twice in each update, so that buffers move twice", _loss_twice),
    Mistake("the model is in evaluation mode", _evaluation_mode),
    Mistake("each half of the batch is computed by itself, so that BatchNorm sees half", _halves),
)
FACTORS = (
    ("every gradient is multiplied by {:.6g}", multiplied),
    ("the learning rate is multiplied by {:.6g}", other_rate),
)


def named(answer: Observation, step: LiveStep, standard: Standard, limit: float = ALGEBRA) -> str:
    """The known mistake that makes the plain step answer the same; "" where it is none of them.

    step  the plain step, in the dtype of the answer
    """
    for mistake in MISTAKES:
        try:
            made = observe(step, mistake.made(step), mistake.batches)
        except Exception:  # noqa: BLE001, S112 - a step that cannot be made to make this mistake has not made it
            continue
        if agrees(answer, made, standard, limit):
            return mistake.text
    for text, kind in FACTORS:
        factor, made = 1.0, standard.truth
        for _ in range(REPEATS):
            probed = observe(step, kind(factor * (1 + PROBE))(step))
            factor = _closer(factor, answer, made, probed)
            if not 1 / LARGEST < abs(factor) < LARGEST:
                break
            made = observe(step, kind(factor)(step))
            if agrees(answer, made, standard, limit):
                return text.format(factor)
    return ""


def agrees(answer: Observation, made: Observation, standard: Standard, limit: float) -> bool:
    """Whether an answer is what a mistake makes, up to rounding, in all that both have; and the mistake makes a difference.

    It must also be nearer to it than to the truth. Between two bits and the limit an answer may be near to both: where a
    net has learned all of its batches, `exp` that rounds to one side is as good as a factor.
    """
    shown = {name: made[name] for name in standard.truth if name in made}
    plain, mistaken = compare(answer, standard), compare(answer, Standard(made, shown, standard.spreads))
    near = limit if plain.faults else min(limit, plain.most - NEARER)
    return not mistaken.exceeds(near) and compare(made, standard).exceeds(limit)


def _closer(factor: float, answer: Observation, made: Observation, probed: Observation) -> float:
    """A better factor, by Newton's method on the tensor whose difference is most in the direction that a factor moves it.

    made    what the last factor makes
    probed  what a factor makes that is larger by the share PROBE
    """
    best = (False, 0.0, 0.0)  # whether there is a direction at all, how well it is met, and how far to go
    for name, value in made.items():
        if name.startswith(CHANGE) and name in answer and answer[name].shape == value.shape:
            slope = (probed[name].double() - value.double()) / (factor * PROBE)
            missing = answer[name].double() - value.double()
            along, steep, far = (missing * slope).sum().item(), slope.norm().item(), missing.norm().item()
            if steep > 0 and far > 0:
                best = max(best, (value.numel() > 1, abs(along) / (steep * far), along / steep**2))
    return factor + best[2]


@contextlib.contextmanager
def with_gradients(step: LiveStep, change: Callable[[dict[str, Any]], None]) -> Iterator[None]:
    """Changes the gradients of each group before its optimizer reads them: before `step`, or behind its closure."""

    def changed(inner: Callable[..., Any], groups: list[dict[str, Any]]) -> Callable[..., Any]:
        def change_all() -> None:
            for group in groups:
                change(group)

        def stepped(closure: Callable[[], Any] | None = None) -> Any:
            if closure is None:
                change_all()
                return inner()

            def evaluate() -> Any:
                value = closure()
                change_all()
                return value

            return inner(evaluate)

        return stepped

    with _replaced([(one, "step", changed(one.step, one.param_groups)) for one in step.optimizers.values()]):
        yield


@contextlib.contextmanager
def _replaced(replacements: Sequence[tuple[Any, str, Any]]) -> Iterator[None]:
    """Sets attributes, and puts back what was there."""
    before = [vars(owner).get(name) for owner, name, _ in replacements]
    for owner, name, value in replacements:
        setattr(owner, name, value)
    try:
        yield
    finally:
        for (owner, name, _), value in zip(replacements, before, strict=True):
            if value is None:
                delattr(owner, name)
            else:
                setattr(owner, name, value)
