"""Rules by which others tell whether two training steps are equal, applied to what the referee sees."""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch._dynamo.utils import same

from bench.judge.standard.observation import CHANGE, COUNT, GRADIENT, LOSS, Observation

Pair = tuple[Tensor, Tensor, Tensor]  # the plain step's, the candidate's, both in float32, and the truth in float64
LONG = 32  # updates after which losses are compared
LATER = "later "  # begins the names of the losses of so many updates


@dataclass(frozen=True)
class Rule:
    """A rule, and where it comes from.

    passes  whether it calls two tensors equal; an answer passes where all pairs of its tensors do
    losses  whether it looks at the losses of LONG updates instead
    """

    name: str
    text: str
    passes: Callable[[Pair], bool]
    losses: bool = False


def values(seen: Observation, start: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What a test would look at: losses, gradients, later losses, and every tensor of the state as it is after the updates.

    start  the state before them
    """
    read = {name: value for name, value in seen.items() if name.startswith((LOSS, GRADIENT, COUNT, LATER))}
    for name, value in seen.items():
        before = start.get(name.removeprefix(f"{CHANGE} "))
        if before is not None and before.shape == value.shape and value.is_floating_point():
            read[name] = before.double() + value
    return read


def pairs(
    plain: Mapping[str, Tensor], answer: Mapping[str, Tensor], truth: Mapping[str, Tensor]
) -> Iterator[tuple[str, Pair]]:
    """The tensors of the plain step and the same of an answer, by name; whole numbers as they are.

    A gradient that is None counts as zero, unless the answer shows none at all.
    """
    shows = any(name.startswith(GRADIENT) for name in answer)
    for name, reference in plain.items():
        given = answer.get(name)
        if given is None and shows and name.startswith(GRADIENT):
            given = torch.zeros_like(reference)
        if given is not None and name in truth and given.shape == reference.shape:
            floating = reference.is_floating_point()
            pair = (
                reference.float() if floating else reference,
                given.float() if floating else given,
                truth[name].double() if floating else truth[name],
            )
            yield name, pair


def _allclose(pair: Pair) -> bool:
    return torch.allclose(pair[1], pair[0])


def _assert_close(pair: Pair) -> bool:
    try:
        torch.testing.assert_close(pair[1], pair[0])
    except AssertionError:
        return False
    return True


def _dynamo(pair: Pair) -> bool:
    logging.getLogger("torch._dynamo.utils").setLevel(logging.CRITICAL)  # it reports each tensor that fails
    return bool(same(pair[0], pair[1], pair[2], tol=1e-4, equal_nan=True))


def _twice(pair: Pair) -> bool:
    reference, answer, truth = (tensor.double() for tensor in pair)
    return bool((answer - truth).abs().max() <= 2 * (reference - truth).abs().max()) if truth.numel() else True


def _cosine(pair: Pair) -> bool:
    reference, answer = pair[0].double().flatten(), pair[1].double().flatten()
    if not bool(reference.any()) and not bool(answer.any()):
        return True
    return bool(torch.nn.functional.cosine_similarity(reference, answer, dim=0, eps=1e-30) >= 0.99)


def _losses(pair: Pair) -> bool:
    return torch.allclose(pair[1].double(), pair[0].double(), rtol=1e-5, atol=1e-8)


RULES = (
    Rule("allclose", "torch.allclose at its defaults: rtol 1e-5, atol 1e-8", _allclose),
    Rule(
        "assert_close", "torch.testing.assert_close at its defaults: for float32 rtol 1.3e-6, atol 1e-5", _assert_close
    ),
    Rule(
        "dynamo's same()",
        "torch._dynamo.utils.same with the float64 reference and the tolerance 1e-4 of PyTorch's own benchmarks on CPUs",
        _dynamo,
    ),
    Rule(
        "twice eager's error",
        "largest error at most twice the plain step's own, as in the tests of FlashAttention (tests/test_flash_attn.py)",
        _twice,
    ),
    Rule("cosine 0.99", "cosine similarity of at least 0.99, dynamo's rule where float64 is not to be had", _cosine),
    Rule(
        f"loss of {LONG} updates",
        f"losses of {LONG} updates within rtol 1e-5 and atol 1e-8, as in Liger-Kernel's convergence tests in float32",
        _losses,
        losses=True,
    ),
)
