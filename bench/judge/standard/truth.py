"""The truth about two updates of a step, in float64, and what rounding explains: the standards that answers are held to."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from bench.judge.standard.bits import Gathered, Spread, Standard
from bench.judge.standard.ensemble import Moved
from bench.judge.standard.ensemble_store import EnsembleStore
from bench.judge.standard.observation import Observation, observe
from bench.judge.standard.operations import DRAWING, base_name
from impls.recipe.live_step import LiveStep

NOTHING_KEPT = EnsembleStore()


class Draws32(TorchDispatchMode):
    """While it is entered, random numbers are drawn in float32 and then held in float64: torch draws others for float64."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """The operation's result; of one that draws, in float32 first."""
        kwargs = dict(kwargs or {})
        if not isinstance(func, OpOverload) or base_name(func) not in DRAWING:
            return func(*args, **kwargs)
        if any(argument.name == "dtype" for argument in func._schema.arguments) and kwargs.get("dtype") is None:
            kwargs["dtype"] = _dtype_of(args) or torch.get_default_dtype()
        doubled = torch.float64 in (kwargs.get("dtype"), _dtype_of(args))
        drawn = func(*_single(args), **_single(kwargs))
        if not doubled:
            return drawn
        if func._schema.name.endswith("_"):
            return args[0].copy_(drawn)
        return pytree.tree_map(lambda one: one.double() if _is(one, torch.float32) else one, drawn)


def _single(arguments: Any) -> Any:
    """The same arguments in float32 where they are in float64."""

    def single(value: Any) -> Any:
        return value.float() if _is(value, torch.float64) else torch.float32 if value is torch.float64 else value

    return pytree.tree_map(single, arguments)


def _is(value: Any, dtype: torch.dtype) -> bool:
    return isinstance(value, Tensor) and value.dtype == dtype


def _dtype_of(arguments: Sequence[Any]) -> torch.dtype | None:
    """The dtype of the first floating tensor."""
    return next((one.dtype for one in arguments if isinstance(one, Tensor) and one.is_floating_point()), None)


def standard(
    step: LiveStep,
    exact: LiveStep | None,
    members: int,
    say: Callable[[str], None] = lambda _: None,
    store: EnsembleStore = NOTHING_KEPT,
) -> Standard:
    """What a plain step's two updates are, and what rounding explains.

    step     in the dtype of the answers
    exact    the same step in float64, None where there is none: the mean of the ensemble stands for the truth then
    members  of the ensemble
    say      takes what is being done
    store    where ensembles are kept
    """
    plain = observe(step)
    truth = truth_of(step, exact, plain, members)
    return Standard(plain, truth, spreads_of(step, truth, members, say, store))


def truth_of(step: LiveStep, exact: LiveStep | None, plain: Observation, members: int) -> Observation:
    """What is right: what the step in float64 does, else the mean of an ensemble.

    plain  what the step itself did
    """
    if exact is None:
        return _mean(plain, (observe(step, Moved(member)) for member in range(members)))
    return observe(exact, Draws32()) if step.facts.draws and exact is not step else observe(exact)


def spreads_of(
    step: LiveStep,
    truth: Observation,
    members: int,
    say: Callable[[str], None] = lambda _: None,
    store: EnsembleStore = NOTHING_KEPT,
) -> Mapping[str, Spread]:
    """How far rounding takes the updates of a step from the truth."""

    def made() -> Mapping[str, Spread]:
        gathered = Gathered(truth, torch.finfo(getattr(torch, step.setting.dtype)).eps)
        for member in range(members):
            say(f"member {member + 1} of {members} of the ensemble in {step.setting.dtype}")
            gathered.add(observe(step, Moved(member)))
        return gathered.spreads()

    return store.spreads(step, truth, members, made)


def _mean(plain: Observation, members: Iterator[Observation]) -> Observation:
    """The mean of an ensemble; of whole numbers, what the plain step has."""
    total = {name: value.double() for name, value in plain.items() if value.is_floating_point()}
    count = 1
    for member in members:
        count += 1
        total = {name: value + member[name].double() for name, value in total.items() if name in member}
    return {name: total[name] / count if name in total else value for name, value in plain.items()}
