"""Bits lost: how much farther from the truth an answer is than rounding explains, tensor by tensor."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bench.judge.standard.observation import CHANGE, COUNT, GRADIENT, LOSS, RANDOM, Observation

QUANTILE = 0.95  # of the ensemble's distances
TENTH = (
    0.1  # of the largest tensor of its kind: where rounding alone moves a tensor by more, nothing can be told from it
)
ALGEBRA = 8.0  # bits that another order of operations may lose at most; another algebra loses more
SMALLEST = float(torch.finfo(torch.float32).tiny)  # below it are denormal numbers, which a processor may take for zero
NOTHING = -30.0  # bits lost by what is equal to the truth
OPTIONAL = (f"{CHANGE} state", f"{CHANGE} number", COUNT)  # what another way to write the update need not have


@dataclass(frozen=True)
class Spread:
    """How far rounding alone takes one tensor from its truth.

    size       the truth's norm
    largest    the largest norm of a tensor of its kind
    distances  norm of the difference from the truth, of each member of the ensemble
    scales     the same along the truth's own direction, relative to its size
    epsilon    of the dtype that the ensemble computes in
    settled    of whole numbers: whether all members agree
    """

    size: float
    largest: float
    distances: tuple[float, ...]
    scales: tuple[float, ...]
    epsilon: float
    settled: bool = True

    @property
    def noise(self) -> float:
        """The distance that rounding explains; at least half a unit in the last place of the truth itself."""
        ordered = sorted(self.distances)
        quantile = ordered[math.ceil(QUANTILE * len(ordered)) - 1]
        least = self.epsilon * (self.largest if quantile >= self.size else self.size / 2)
        return max(quantile, least)

    @property
    def scale_noise(self) -> float:
        """The relative factor that rounding explains; at least one unit in the last place, as a rounded constant has."""
        return max(self.epsilon, *self.scales)

    @property
    def is_rounding(self) -> bool:
        """Whether the truth is no larger than what rounding makes of it, like the gradient of a bias before BatchNorm."""
        return self.noise >= self.size

    @property
    def is_wide(self) -> bool:
        """Whether rounding moves it so far that right and wrong cannot be told apart."""
        return self.noise > TENTH * self.largest


@dataclass(frozen=True)
class Standard:
    """What answers are compared with, in one dtype.

    plain    what the plain step did
    truth    the same in float64
    spreads  what rounding explains, for each tensor of the truth
    """

    plain: Observation
    truth: Observation
    spreads: Mapping[str, Spread]


@dataclass(frozen=True)
class Comparison:
    """An answer beside its standard.

    bits      lost by each tensor
    scales    bits lost along the truth's own direction
    errors    distance from the truth, relative to the truth's size
    left_out  tensors that are not compared, with the reason
    faults    what needs no measure to be wrong, by tensor: a gradient missing, a counter off, a shape, a NaN
    """

    bits: Mapping[str, float]
    scales: Mapping[str, float]
    errors: Mapping[str, float]
    left_out: Mapping[str, str]
    faults: Mapping[str, str]

    @property
    def worst(self) -> tuple[float, str]:
        """The most bits lost, and by which tensor."""
        return _worst(self.bits)

    @property
    def worst_scale(self) -> tuple[float, str]:
        """The most bits lost along the truth's direction, and by which tensor."""
        return _worst(self.scales)

    @property
    def most(self) -> float:
        """The most bits lost, either way."""
        return max(self.worst[0], self.worst_scale[0])

    def exceeds(self, limit: float = ALGEBRA) -> bool:
        """Whether something is wrong at sight, or loses more bits than this, either way."""
        return bool(self.faults) or self.most > limit

    def first_above(self, limit: float, start: str = "") -> str:
        """The first tensor, in the order of computation, that is wrong or loses more bits than this; "" for none.

        start  of the names that are looked at
        """
        above = [name for name, lost in self.bits.items() if max(lost, self.scales.get(name, NOTHING)) > limit]
        return min((name for name in [*self.faults, *above] if name.startswith(start)), key=order, default="")


def kind(name: str) -> str:
    """What a tensor is of: "gradient", "change of parameter", "change of state exp_avg", "change of buffer running_mean"."""
    if not name.startswith(CHANGE):
        return name.partition(" ")[0]
    whole, _, owner = name.partition(" of ")[2].partition(" of ")
    first, _, rest = whole.partition(" ")
    return f"{first} {rest if owner else rest.rpartition('.')[2] if first == 'buffer' else ''}"


def order(name: str) -> tuple[int, ...]:
    """Where a tensor stands in the order of computation: loss and gradients of the first update, of the second, changes."""
    for place, first in enumerate((LOSS, GRADIENT)):
        if name.startswith(first):
            return int(name.split(" ")[1]), place
    return (10, 0 if name.startswith(f"{CHANGE} parameter") else 1)


def distances(answer: Tensor, truth: Tensor) -> tuple[float, float]:
    """The norm of the difference, and its part along the truth relative to the truth's norm."""
    difference, exact = answer.double() - truth.double(), truth.double()
    size = exact.norm().item()
    along = abs((difference * exact).sum().item()) / size**2 if size**2 > 0 else 0.0
    return difference.norm().item(), along


def spreads(truth: Observation, members: Sequence[Observation], epsilon: float) -> dict[str, Spread]:
    """What rounding explains, from the answers of an ensemble."""
    gathered = Gathered(truth, epsilon)
    for member in members:
        gathered.add(member)
    return gathered.spreads()


class Gathered:
    """Collects how far each member of an ensemble is from the truth, so that none has to be kept."""

    def __init__(self, truth: Observation, epsilon: float) -> None:
        self._truth, self._epsilon = truth, epsilon
        self._distances: dict[str, list[tuple[float, float]]] = {name: [] for name in truth}
        self._settled = dict.fromkeys(truth, True)

    def add(self, member: Observation) -> None:
        """Takes the answer of one member."""
        for name, exact in self._truth.items():
            answer = member.get(name)
            if answer is None or answer.shape != exact.shape:
                self._settled[name] = False
                continue
            if exact.is_floating_point():
                self._distances[name].append(distances(answer, exact))
            else:
                self._settled[name] &= torch.equal(answer, exact)

    def spreads(self) -> dict[str, Spread]:
        """What has been collected."""
        sizes = {name: exact.double().norm().item() for name, exact in self._truth.items()}
        largest: dict[str, float] = {}
        for name, size in sizes.items():
            largest[kind(name)] = max(size, largest.get(kind(name), 0.0))
        return {
            name: Spread(
                size=sizes[name],
                largest=largest[kind(name)],
                distances=tuple(distance for distance, _ in pairs) or (0.0,),
                scales=tuple(scale for _, scale in pairs) or (0.0,),
                epsilon=self._epsilon,
                settled=self._settled[name],
            )
            for name, pairs in self._distances.items()
        }


def compare(answer: Observation, standard: Standard) -> Comparison:
    """How an answer compares with the truth, every tensor that both have."""
    hidden = _hidden(answer, standard.plain)
    bits: dict[str, float] = {}
    scales: dict[str, float] = {}
    errors: dict[str, float] = {}
    left_out: dict[str, str] = {}
    faults: dict[str, str] = {}
    for name, exact in standard.truth.items():
        spread = standard.spreads[name]
        if name == RANDOM or name.startswith(hidden):
            continue
        if not spread.settled:
            left_out[name] = "rounding decides whether it is one thing or another"
        elif name not in answer:
            if name.startswith(LOSS):
                left_out[name] = "its update does not return it"
            elif name.startswith(OPTIONAL):
                left_out[name] = "this way to run the step does not keep it"
            else:
                faults[name] = _missing(name)
        elif fault := _fault(answer[name], exact, standard.plain.get(name, exact)):
            faults[name] = fault
        elif exact.is_floating_point():
            _measure(name, answer[name].reshape(exact.shape), exact, spread, bits, scales, errors, left_out)
    if not hidden:
        extra = (name for name in answer if name.startswith(GRADIENT) and name not in standard.truth)
        faults |= dict.fromkeys(extra, "the step has no gradient there, and an optimizer passes over what has none")
    return Comparison(bits, scales, errors, left_out, faults)


def _measure(
    name: str,
    answer: Tensor,
    exact: Tensor,
    spread: Spread,
    bits: dict[str, float],
    scales: dict[str, float],
    errors: dict[str, float],
    left_out: dict[str, str],
) -> None:
    """Adds the bits lost by one tensor to its table, or the reason for which it is left out."""
    finite = exact.isfinite()
    if not bool(finite.all()):
        answer, exact = answer[finite], exact[finite]
    distance, scale = distances(answer, exact)
    flushed = SMALLEST * math.sqrt(exact.numel())
    lost = _log2(distance, max(spread.noise, flushed))
    if spread.is_rounding and distance > 0 and lost <= ALGEBRA:
        left_out[name] = "its truth is no larger than rounding"
        return
    bits[name] = lost
    errors[name] = distance / spread.size if spread.size else math.inf
    if exact.numel() > 1 and not spread.is_rounding:
        scales[name] = _log2(scale, max(spread.scale_noise, flushed / spread.size))


def _hidden(answer: Observation, plain: Observation) -> tuple[str, ...]:
    """The beginnings of names that are not compared: gradients, unless both called their optimizers equally often."""
    counts = {name for name in {*answer, *plain} if name.startswith(f"{COUNT} calls")}
    same = counts and all(
        name in answer and name in plain and torch.equal(answer[name], plain[name]) for name in counts
    )
    return () if same or not counts else (GRADIENT, COUNT)


def _missing(name: str) -> str:
    if name.startswith(GRADIENT):
        return "it is None where the step has one"
    return "it is missing"


def _fault(answer: Tensor, exact: Tensor, plain: Tensor) -> str:
    """What is wrong with a tensor at sight; "" for nothing."""
    if answer.numel() != exact.numel():
        return f"its shape is {tuple(answer.shape)} instead of {tuple(exact.shape)}"
    if not exact.is_floating_point():
        return "" if torch.equal(answer.reshape(exact.shape).to(exact.dtype), exact) else _unequal(answer, exact)
    wrong = ~answer.isfinite().reshape(exact.shape) & plain.isfinite() & exact.isfinite()
    return "it is not finite" if bool(wrong.any()) else ""


def _unequal(answer: Tensor, exact: Tensor) -> str:
    return f"it is {answer.item():g} instead of {exact.item():g}" if exact.numel() == 1 else "its whole numbers differ"


def _log2(distance: float, noise: float) -> float:
    if distance == 0 or math.isnan(distance):
        return NOTHING
    return max(NOTHING, math.log2(distance / noise)) if noise > 0 else math.inf


def _worst(lost: Mapping[str, float]) -> tuple[float, str]:
    return max(((value, name) for name, value in lost.items()), default=(NOTHING, ""))
