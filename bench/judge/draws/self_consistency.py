"""Whether an arm's gradient is the derivative of its own loss, whatever random numbers it draws: by differences of losses.

The generators are set to the same seed before each update, so that all updates of one direction draw the same numbers. An arm
whose backward pass uses other ones than its forward pass, say another mask of dropout, has a gradient that is no derivative.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim import Optimizer

from bench.judge.standard.bits import QUANTILE
from bench.judge.standard.observation import GRADIENT, LOSS, Observation, losses, set_generators, watched
from impls.recipe.live_step import LiveStep
from impls.recipe.recipe import Recipe

DIRECTIONS = range(3_000, 3_008)  # seeds of an arm's
PLAIN_DIRECTIONS = range(4_000, 4_020)  # of the plain step's, which say how exact differences are
WIDTHS = (1.0, 0.25, 0.0625)  # of a difference, times the cube root of epsilon and the norm of all parameters
SLOPE, PRODUCT = "slope", "product of gradient and direction"
CHOICES = 1_000  # of as many of the plain step's directions as an arm has
USELESS = 0.1  # relative error of the plain step's differences, beyond which they show nothing


@dataclass(frozen=True)
class Consistency:
    """How far an arm's gradient is from the derivative of its loss.

    error  relative, of the middle one of all directions
    noise  the same of the plain step, as large as it is in 5 of 100 choices of as many directions: what rounding, bends and
           jumps of the loss explain
    """

    error: float
    noise: float

    @property
    def bits(self) -> float:
        """log2 of the error over what the plain step's have."""
        return math.log2(max(self.error, 1e-12) / self.noise)


def unmeasurable(step: LiveStep, recipe: Recipe) -> str:
    """Why nothing can be said about an arm with this recipe, as far as that is known beforehand; "" where it can."""
    if recipe.coarser:
        return "its loss is rounded too coarsely to take differences"
    if len(step.optimizers) != 1:
        return f"the step has {len(step.optimizers)} optimizers, so not one gradient of one loss"
    step.reset()
    found = len(losses(0, step.update_once()))
    step.reset()
    if found != 1:
        return f"its update returns {found} losses, and not the one whose gradient it takes"
    [optimizer] = step.optimizers.values()
    if (recipe.whole or recipe.way) and not _recoverable(optimizer):
        return f"its gradients are not seen, and {type(optimizer).__name__} keeps none of them"
    return ""


def slopes(step: LiveStep, seeds: range = DIRECTIONS, say: Callable[[str], None] = lambda _: None) -> Observation:
    """The differences of the loss along random directions, a row for each, and what the gradient says they are.

    A direction is the gradient itself in a random half of the numbers of a random half of the parameters. A wrong gradient
    shows there: its product with itself is not its product with the right one.
    """
    if len(step.optimizers) != 1:
        return {}
    rows: list[list[float]] = []
    products: list[float] = []
    for seed in seeds:
        say(f"direction {seed - seeds.start + 1} of {len(seeds)}")
        gradients, _ = _updated(step, seed)
        direction = _direction(gradients, seed)
        size = math.sqrt(sum(float(one.square().sum()) for one in direction.values()))
        if not direction or not size:
            continue
        direction = {name: one / size for name, one in direction.items()}
        products.append(sum(float((direction[name] * gradients[name]).sum()) for name in direction))
        rows.append([_slope(step, seed, direction, width * _width(step)) for width in WIDTHS])
    step.reset()
    return {SLOPE: torch.tensor(rows), PRODUCT: torch.tensor(products)} if rows else {}


def consistency(answer: Observation, plain: Observation, *, only_direction: bool) -> Consistency | None:
    """How an arm compares with the plain step; None where the differences of the plain step show nothing.

    only_direction  whether gradients are clipped and the like before they are seen, so that their size means nothing
    """
    if SLOPE not in answer or SLOPE not in plain:
        return None
    errors = _errors(plain, only_direction=only_direction)
    chosen = torch.randint(len(errors), (CHOICES, len(answer[SLOPE])), generator=torch.Generator().manual_seed(0))
    middle = errors[chosen].median(1).values.sort(0).values[math.ceil(QUANTILE * CHOICES) - 1]
    best = int(middle.argmin())
    noise = max(float(middle[best]), torch.finfo(torch.float32).eps)
    if noise > USELESS:
        return None
    error = float(_errors(answer, only_direction=only_direction)[:, best].median())
    return Consistency(error if math.isfinite(error) else math.inf, noise)


def _errors(measured: Observation, *, only_direction: bool) -> Tensor:
    """The relative errors, a row for each direction and a column for each width."""
    ratio = measured[SLOPE].double() / measured[PRODUCT].double().unsqueeze(1)
    if only_direction:
        ratio = ratio / ratio.median(0).values
    return (ratio - 1).abs()


def _width(step: LiveStep) -> float:
    parameters = [value for name, value in step.tensors().items() if name.startswith("parameter ")]
    size = math.sqrt(sum(float(one.detach().double().square().sum()) for one in parameters))
    return float(torch.finfo(getattr(torch, step.setting.dtype)).eps ** (1 / 3)) * size


def _slope(step: LiveStep, seed: int, direction: dict[str, Tensor], width: float) -> float:
    above, below = (_updated(step, seed, direction, sign * width)[1] for sign in (1.0, -1.0))
    return (above - below) / (2 * width)


def _updated(
    step: LiveStep, seed: int, direction: dict[str, Tensor] | None = None, width: float = 0.0
) -> tuple[dict[str, Tensor], float]:
    """The gradients and the loss of one update from a state that is moved along a direction."""
    step.reset()
    tensors = step.tensors()
    with torch.no_grad():
        for name, one in (direction or {}).items():
            parameter = tensors[f"parameter {name}"]
            parameter.add_((width * one).to(parameter.device, parameter.dtype).reshape(parameter.shape))
    before = {name: tensor.detach().clone() for name, tensor in tensors.items()} if direction is None else {}
    seen: Observation = {}
    set_generators(seed)
    with watched(step, seen):
        returned = step.update_once()
    loss = [float(value) for name, value in losses(0, returned).items() if name.startswith(LOSS)]
    if direction is not None:
        return {}, loss[0]
    gradients = {
        name.partition(" of ")[2]: value.double() for name, value in seen.items() if name.startswith(f"{GRADIENT} 0")
    }
    return gradients or _recovered(step, before), loss[0]


def _direction(gradients: dict[str, Tensor], seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    names = list(gradients)
    chosen = torch.randperm(len(names), generator=generator)[: (len(names) + 1) // 2].tolist()
    return {
        names[place]: gradients[names[place]] * torch.randint(2, gradients[names[place]].shape, generator=generator)
        for place in sorted(chosen)
    }


def _recoverable(optimizer: Optimizer) -> bool:
    kinds = ("betas" in group or type(optimizer) is torch.optim.SGD for group in optimizer.param_groups)
    return all(kinds)


def _recovered(step: LiveStep, before: dict[str, Tensor]) -> dict[str, Tensor]:
    """The gradients that an update must have had, from what it did to the optimizer's state; {} where that does not tell.

    The mean m of the gradients g of Adam and its kin becomes b m + (1 - b) g; the momentum m of SGD becomes b m + (1 - d) g;
    without momentum a parameter moves by -lr g. Weight decay that is part of the gradient is taken off.
    """
    gradients: dict[str, Tensor] = {}
    after = step.tensors()
    names = {id(tensor): name.removeprefix("parameter ") for name, tensor in after.items()}
    for optimizer in step.optimizers.values():
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                name = names.get(id(parameter), "")
                made = _made_of(optimizer, group, name, before, after)
                if made is not None and name:
                    gradients[name] = made.cpu()
    return gradients


def _made_of(
    optimizer: Optimizer, group: dict[str, object], name: str, before: dict[str, Tensor], after: dict[str, Tensor]
) -> Tensor | None:
    def number(key: str) -> float:
        value = group.get(key) or 0.0
        return float(value) if isinstance(value, int | float | Tensor) else 0.0

    def both(key: str) -> tuple[Tensor, Tensor] | None:
        old, new = before.get(f"{key} {name}"), after.get(f"{key} {name}")
        return None if old is None or new is None else (old.double(), new.detach().double())

    weights = both("parameter")
    if weights is None:
        return None
    decoupled = isinstance(optimizer, torch.optim.AdamW) or bool(group.get("decoupled_weight_decay"))
    decay = 0.0 if decoupled else number("weight_decay")
    betas = group.get("betas")
    if isinstance(betas, tuple) and (mean := both("state exp_avg of")):
        kept = float(betas[0])
        made = (mean[1] - kept * mean[0]) / (1 - kept)
    elif type(optimizer) is torch.optim.SGD and (mean := both("state momentum_buffer of")):
        made = (mean[1] - number("momentum") * mean[0]) / (1 - number("dampening"))
    elif type(optimizer) is torch.optim.SGD and not number("momentum") and number("lr"):
        made = (weights[0] - weights[1]) / number("lr")
    else:
        return None
    gradient = made - decay * weights[0]
    return -gradient if group.get("maximize") else gradient
