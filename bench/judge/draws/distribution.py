"""Whether an arm that draws random numbers of its own draws them from the plain step's distribution: over many seeds.

Compared are the losses, the gradients of the first update and the changes by both, tensor by tensor: means, variances, and the
variances of sums over neighbours, which show numbers that are not drawn one by one. Every test is one of permutations: under
the hypothesis that both draw alike, it does not matter which seeds were whose.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from bench.judge.standard.bits import Spread, kind, order
from bench.judge.standard.observation import CHANGE, GRADIENT, LOSS, Observation, observe
from impls.recipe.live_step import LiveStep

SEEDS = range(1_000, 1_096)  # of an arm: with 64, weak mistakes were missed too often
PLAIN_SEEDS = range(2_000, 2_192)  # of the plain step, whose updates are made once for all arms: more of them tell more
KEPT = 4096  # numbers of a tensor, at most, that are kept of each seed: neighbours stay together
KEPT_OF_ALL = 64_000  # of the parameters' together; as many of their gradients, of their changes, of each kind of state
NEIGHBOURS = 4  # numbers that stand side by side, of which the sum is looked at: devices draw four numbers at a time
GROUPS = 6  # of the tensors of a kind, at most: more tests would each have to be surer
FIXED = 4.0  # times what rounding explains, by which what does not depend on the draws may be off
DRAWN = 100.0  # times what rounding explains, by which a number must vary to be called random
ERROR = 1e-3  # the probability that an arm that draws alike is refused, for all tests together
STAGES = ((500, 1_000), (2_000, 1_000))  # permutations, and how many tests get as many at most
SUREST = 2  # tests that get as many permutations as are needed to refuse
LIKELY = 2  # permutations of a stage, of those that show as much, up to which a test goes on
AT_ONCE = 10_000  # permutations, so that they take little memory


@dataclass(frozen=True)
class Test:
    """What is compared of some tensors.

    tensors  their names, or one of them
    what     "mean", "variance" or "variance of sums of neighbours"
    ratio    of a variance: the arm's over the plain step's
    p        the probability of what was seen or more, if both draw alike
    """

    tensors: str
    what: str
    ratio: float
    p: float

    def __str__(self) -> str:
        """What was seen, in words."""
        if self.what == "mean":
            return f"the mean of the {self.tensors} is another"
        return f"the {self.what} of the {self.tensors} is {self.ratio:.3g} times the plain step's"


@dataclass(frozen=True)
class Distribution:
    """How an arm's draws compare with the plain step's.

    refused  the tests that tell them apart, the surest first
    p        the least probability of all tests, corrected for their number
    tests    how many there were
    faults   what needs no test to be wrong, by tensor
    """

    refused: tuple[Test, ...]
    p: float
    tests: int
    faults: Mapping[str, str]


def sampled(step: LiveStep, seeds: range = SEEDS, say: Callable[[str], None] = lambda _: None) -> Observation:
    """What two updates do from the same state, for each of these seeds: a row each, and not too many numbers of a tensor.

    say  takes what is being done
    """
    most = min(KEPT, max(16 * NEIGHBOURS, KEPT_OF_ALL // len(step.parameters)))
    rows: dict[str, list[Tensor]] = {}
    for seed in seeds:
        say(f"draw {seed - seeds.start + 1} of {len(seeds)}")
        for name, value in observe(step, seed=seed).items():
            if value.is_floating_point() and name.startswith((LOSS, f"{GRADIENT} 0", CHANGE)):
                rows.setdefault(name, []).append(_kept(value.reshape(-1), most).float())
    return {name: torch.stack(values) for name, values in rows.items() if len(values) == len(seeds)}


def _kept(numbers: Tensor, most: int) -> Tensor:
    """All numbers, or as many as are kept, from places that are evenly spaced."""
    if len(numbers) <= most:
        return numbers
    blocks = numbers[: len(numbers) // NEIGHBOURS * NEIGHBOURS].reshape(-1, NEIGHBOURS)
    places = torch.linspace(0, len(blocks) - 1, most // NEIGHBOURS).long()
    return blocks[places].reshape(-1)


def compare(answer: Observation, plain: Observation, spreads: Mapping[str, Spread]) -> Distribution:
    """How the samples of an arm compare with the plain step's.

    spreads  what rounding explains of each tensor: only what varies by far more is random
    """
    faults: dict[str, str] = {}
    products: dict[tuple[str, str], dict[str, Tensor]] = {}
    for name in sorted((name for name in plain if name in answer), key=order):
        ours, theirs = answer[name].double(), plain[name].double()
        if not bool(theirs.isfinite().all()):
            continue
        noise = spreads[name].noise / math.sqrt(theirs.shape[1]) if name in spreads else 0.0
        if fault := _fault(ours, theirs, noise):
            faults[name] = fault
            continue
        for what, product in _products(torch.cat([theirs, ours]), DRAWN * noise):
            products.setdefault((name if name.startswith(LOSS) else kind(name), what), {})[name] = product.float()
    grouped = [
        (name, what, product) for (_, what), named in products.items() for name, product in _grouped(named).items()
    ]
    tests = _tested(grouped, len(next(iter(answer.values()), ())))
    corrected = [(test, min(1.0, test.p * (len(tests) - place))) for place, test in enumerate(tests)]
    refused: list[Test] = []
    for test, p in corrected:  # by Holm's procedure, which ends with the first test that does not refuse
        if p > ERROR:
            break
        refused.append(test)
    return Distribution(tuple(refused), min((p for _, p in corrected), default=1.0), len(tests), faults)


def _fault(ours: Tensor, theirs: Tensor, noise: float) -> str:
    """What needs no test to be wrong with an arm's samples of a tensor; "" for nothing.

    noise  of a number, as far as rounding explains it: a number that moves no more does not depend on what is drawn
    """
    if ours.shape[1:] != theirs.shape[1:]:
        return "its shape is another"
    if not bool(ours.isfinite().all()):
        return "it is not finite for some seeds"
    fixed = theirs.std(0) <= noise
    distance = (ours.median(0).values - theirs.median(0).values)[fixed].norm().item()
    if distance > FIXED * noise * math.sqrt(theirs.shape[1]):
        return (
            f"what does not depend on the draws is off by {distance / theirs.median(0).values[fixed].norm().item():.2g}"
        )
    return ""


def _products(rows: Tensor, least: float) -> Iterator[tuple[str, Tensor]]:
    """The products of each two seeds' numbers, which hold all that the tests need; of the numbers that vary."""
    centred = rows - rows.mean(0)
    deviation = centred.std(0)
    varies = deviation > max(least, torch.finfo(torch.float32).eps * float(rows.abs().max()))
    if not bool(varies.any()):
        return
    single = centred[:, varies] / deviation[varies]
    yield "each", single @ single.T / single.shape[1]
    if single.shape[1] >= 2 * NEIGHBOURS:
        whole = single.shape[1] // NEIGHBOURS * NEIGHBOURS
        sums = single[:, :whole].reshape(len(rows), -1, NEIGHBOURS).sum(2)
        sums = sums / sums.std(0).clamp_min(torch.finfo(torch.float32).eps)
        yield "sums", sums @ sums.T / sums.shape[1]


def _grouped(products: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """At most GROUPS of them: tensors that are neighbours in the order of computation are tested together."""
    names = list(products)
    size = math.ceil(len(names) / GROUPS)
    groups = [names[place : place + size] for place in range(0, len(names), size)]
    return {
        group[0] if len(group) == 1 else f"{group[0]} to {group[-1]}": torch.stack([products[n] for n in group]).mean(0)
        for group in groups
    }


@dataclass(frozen=True)
class _Asked:
    """A test before it is decided: the products that it computes from, and which of `_statistics`, as it was seen."""

    test: Test
    product: Tensor
    place: int
    seen: float


def _asked(grouped: Sequence[tuple[str, str, Tensor]], count: int) -> Iterator[_Asked]:
    """The tests of these products."""
    for name, what, product in grouped:
        mean, variance, ratio = (float(value) for value in _statistics(product, _labels(len(product), count)))
        if what == "each":
            yield _Asked(Test(name, "mean", 1.0, 1.0), product, 0, mean)
        label = "variance" if what == "each" else "variance of sums of neighbours"
        yield _Asked(Test(name, label, math.exp(ratio), 1.0), product, 1, variance)


def _tested(grouped: Sequence[tuple[str, str, Tensor]], count: int) -> list[Test]:
    """The tests, the surest first. `count` seeds, the last ones, are the arm's.

    Few permutations rule out most tests. Only the surest get as many as it takes to refuse.
    """
    left, done = list(_asked(grouped, count)), list[Test]()
    enough = math.ceil(2 * len(left) / ERROR)
    for permutations, most in (*STAGES, (enough, SUREST)):
        done += [asked.test for asked in left[most:]]
        decided = _decided(left[:most], count, permutations)
        done += [asked.test for asked in decided if asked.test.p > LIKELY / permutations]
        left = [asked for asked in decided if asked.test.p <= LIKELY / permutations]
    return sorted([*done, *(asked.test for asked in left)], key=lambda test: test.p)


def _decided(left: Sequence[_Asked], count: int, permutations: int) -> list[_Asked]:
    """The same tests with the probabilities that so many permutations show, the surest first."""
    if not left:
        return []
    generator = torch.Generator().manual_seed(permutations)
    exceeded, distance = [0] * len(left), [0.0] * len(left)
    for begin in range(0, permutations, AT_ONCE):
        labels = _labels(len(left[0].product), count, min(AT_ONCE, permutations - begin), generator)
        for row, asked in enumerate(left):
            values = _statistics(asked.product, labels)[asked.place]
            exceeded[row] += int((values >= asked.seen).sum())
            distance[row] = (asked.seen - float(values.mean())) / max(float(values.std()), 1e-30)
    order_of = sorted(range(len(left)), key=lambda row: (exceeded[row], -distance[row]))
    ps = [(1 + more) / (1 + permutations) for more in exceeded]
    return [replace(left[row], test=replace(left[row].test, p=ps[row])) for row in order_of]


def _labels(rows: int, count: int, permutations: int = 0, generator: torch.Generator | None = None) -> Tensor:
    """Which rows are the arm's, a line for each permutation; without any, the last rows are."""
    if not permutations:
        return (torch.arange(rows) >= rows - count).float().unsqueeze(0)
    places = torch.rand(permutations, rows, generator=generator).topk(count, dim=1, sorted=False).indices
    return torch.zeros(permutations, rows).scatter_(1, places, 1.0)


def _statistics(product: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """How far apart the means are, how far apart the variances, and the logarithm of the arm's variance over the other."""
    size, rest = labels.sum(1), (1 - labels).sum(1)
    together = ((labels @ product) * labels).sum(
        1
    )  # the square of the arm's sum; the other's sum is the same, with a minus
    squares = labels @ product.diagonal()
    ours = (squares - together / size) / (size - 1)
    theirs = (product.trace() - squares - together / rest) / (rest - 1)
    tiny = torch.finfo(torch.float32).tiny
    ratio = (ours.clamp_min(tiny) / theirs.clamp_min(tiny)).log()
    return together, ratio.abs(), ratio
