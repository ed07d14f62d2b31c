"""Bits lost by hand-made answers: distance, scale, what is left out, and what is wrong at sight."""

import pytest
import torch

from bench.judge.standard.bits import Standard, compare, kind, spreads
from bench.judge.standard.observation import Observation

EPSILON = float(torch.finfo(torch.float32).eps)
WEIGHT, BIAS = "gradient 0 of weight", "gradient 0 of bias"
CALLS, COUNT = "number of calls of step", "change of buffer count"


def observation(weight: torch.Tensor, bias: float = 0.0) -> Observation:
    """An answer of two gradients and two counters."""
    return {
        CALLS: torch.tensor(1),
        WEIGHT: weight,
        BIAS: torch.tensor([bias, bias]),
        COUNT: torch.tensor(2),
    }


TRUTH = observation(torch.linspace(1.0, 2.0, 1000, dtype=torch.float64))


@pytest.fixture
def standard() -> Standard:
    """Nineteen members, each off at random by a thousandth; the bias is nothing but that."""
    generator = torch.Generator().manual_seed(0)

    def member(number: int) -> Observation:
        noise = 1e-3 * torch.randn(1000, generator=generator)
        return observation(TRUTH[WEIGHT] + noise, 1e-6 * (-1) ** number)

    return Standard(TRUTH, TRUTH, spreads(TRUTH, [member(number) for number in range(19)], EPSILON))


def test_bits_lost_are_the_logarithm_of_the_distance(standard: Standard) -> None:
    """An answer as far off as the ensemble loses about nothing, one eight times as far 3 bits, the truth itself none at all."""
    noise = torch.randn(1000, generator=torch.Generator().manual_seed(1))
    lost = [compare(observation(TRUTH[WEIGHT] + size * noise), standard).bits[WEIGHT] for size in (1e-3, 8e-3, 0.0)]
    assert lost == pytest.approx([0.0, 3.0, -30.0], abs=0.15)


def test_a_factor_in_the_noise_shows_in_the_scale(standard: Standard) -> None:
    """A factor that moves each number by a tenth of its noise is lost in the distance, and seen along the truth."""
    noise = 1e-3 * torch.randn(1000, generator=torch.Generator().manual_seed(2))
    answer = compare(observation(1.0003 * TRUTH[WEIGHT] + noise), standard)
    assert answer.bits[WEIGHT] < 0.5
    assert answer.scales[WEIGHT] > 2


def test_denormal_numbers_may_be_zero() -> None:
    """Numbers too small for the processor's quick arithmetic may be lost; those that are larger may not."""

    def compared(size: float) -> float:
        exact = {WEIGHT: torch.linspace(size, 2 * size, 1000, dtype=torch.float64)}
        single = {WEIGHT: exact[WEIGHT].float()}
        return compare({WEIGHT: torch.zeros(1000)}, Standard(single, exact, spreads(exact, [single], EPSILON))).most

    assert compared(5e-39) < 2
    assert compared(1e-36) > 6


def test_a_tensor_of_rounding_alone_is_left_out_unless_it_is_far_off(standard: Standard) -> None:
    """The bias has no true gradient: as little as the ensemble has is left out and named, much more counts."""
    near, far = (compare(observation(TRUTH[WEIGHT], bias), standard) for bias in (1e-6, 0.1))
    assert near.left_out == {BIAS: "its truth is no larger than rounding"}
    assert BIAS not in near.bits
    assert far.bits[BIAS] > 8


def test_none_is_not_zero(standard: Standard) -> None:
    """A gradient that is missing is a fault, and so is one of zeros where the step has none."""
    answer = observation(TRUTH[WEIGHT])
    missing = compare({name: value for name, value in answer.items() if name != WEIGHT}, standard)
    assert missing.faults == {WEIGHT: "it is None where the step has one"}
    more = compare(answer | {"gradient 0 of spare": torch.zeros(3)}, standard)
    assert list(more.faults) == ["gradient 0 of spare"]


def test_gradients_that_cannot_be_seen_are_not_compared(standard: Standard) -> None:
    """A whole update in one graph shows none: the rest of its answer counts."""
    answer = compare({COUNT: torch.tensor(2)}, standard)
    assert (answer.faults, dict(answer.bits)) == ({}, {})


def test_whole_numbers_count_exactly(standard: Standard) -> None:
    """A counter off by one is a fault, whatever its dtype; where the ensemble's own counters differ it is left out."""
    answer = observation(TRUTH[WEIGHT])
    assert compare(answer | {COUNT: torch.tensor(3)}, standard).faults == {COUNT: "it is 3 instead of 2"}
    assert compare(answer | {COUNT: torch.tensor(2.0)}, standard).faults == {}
    unsettled = spreads(TRUTH, [answer | {COUNT: torch.tensor(number)} for number in (2, 3)], EPSILON)
    assert COUNT in compare(answer | {COUNT: torch.tensor(3)}, Standard(TRUTH, TRUTH, unsettled)).left_out


def test_a_number_that_is_not_finite_is_a_fault(standard: Standard) -> None:
    """One NaN among a thousand numbers is enough; where the step itself has one, it does not count."""
    broken = TRUTH[WEIGHT].clone()
    broken[7] = float("nan")
    assert compare(observation(broken), standard).faults == {WEIGHT: "it is not finite"}
    own = observation(broken)
    assert compare(own, Standard(own, own, spreads(own, [own], EPSILON))).faults == {}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("loss 1 of generator", "loss"),
        ("gradient 0 by generator of 0.weight", "gradient"),
        ("change of parameter 0.weight", "parameter"),
        ("change of state exp_avg of 0.weight", "state exp_avg"),
        ("change of buffer 1.running_mean", "buffer running_mean"),
    ],
)
def test_tensors_are_measured_by_the_largest_of_their_kind(name: str, expected: str) -> None:
    """What the kind of a tensor is can be read from its name."""
    assert kind(name).strip() == expected
