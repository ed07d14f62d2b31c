"""Where two arms change places: arithmetic on ratios, tried on ratios whose crossing is known."""

import math

import pytest

from bench.results.statistics import Estimate
from reports.growth.crossings import SizeRatio, crossing_size, stretches


def meeting(size: int, ratio: float, width: float = 0.01, base: float = 1e-4) -> SizeRatio:
    """Two arms at a size, with so wide an interval, relative to the ratio."""
    return SizeRatio(size, Estimate(ratio, ratio / (1 + width), ratio * (1 + width), 5), base)


def test_two_winners_make_a_change() -> None:
    """Where each arm wins once there is one stretch, from the one size to the other."""
    meetings = [meeting(100, 0.5), meeting(1_000, 0.7), meeting(10_000, 2.0)]
    assert [[each.size for each in stretch] for stretch in stretches(meetings)] == [[1_000, 10_000]]


def test_one_winner_makes_no_change() -> None:
    """Where the same arm wins at every size, or none does, nothing stretches."""
    assert list(stretches([meeting(100, 0.5), meeting(1_000, 0.7)])) == []
    assert list(stretches([meeting(100, 1.0, 0.3), meeting(1_000, 1.1, 0.3)])) == []
    assert list(stretches([])) == []


def test_a_size_that_tells_nothing_is_bridged() -> None:
    """A size at which the interval holds 1, or lies within two per cent of it, is inside the stretch, not its end."""
    meetings = [meeting(100, 0.5), meeting(300, 0.99, 0.2), meeting(1_000, 1.01, 0.002), meeting(10_000, 2.0)]
    assert [[each.size for each in stretch] for stretch in stretches(meetings)] == [[100, 300, 1_000, 10_000]]


def test_an_uncertain_end_makes_no_change() -> None:
    """A ratio above 1 whose interval holds 1 is no winner, so that noise at the last size makes no crossing."""
    assert list(stretches([meeting(100, 0.5), meeting(1_000, 1.05, 0.2)])) == []


def test_arms_may_change_places_twice() -> None:
    """A change and its reverse are two stretches that meet at the size between."""
    meetings = [meeting(100, 0.5), meeting(1_000, 2.0), meeting(10_000, 0.5)]
    assert [[each.size for each in stretch] for stretch in stretches(meetings)] == [[100, 1_000], [1_000, 10_000]]


@pytest.mark.parametrize("flip", [False, True])
def test_powers_cross_where_their_logarithms_do(flip: bool) -> None:
    """Ratios of 1/2 and 2 at 100 and 10 000 cross at 1 000 if the times are powers: the interval holds that."""
    ratios = (2.0, 0.5) if flip else (0.5, 2.0)
    size, low, high = crossing_size([meeting(100, ratios[0], base=1e-6), meeting(10_000, ratios[1], base=1e-4)])
    assert 100 < low <= 1_000 * 1.01
    assert low <= size <= high < 10_000
    assert high >= 990


@pytest.mark.parametrize(("fixed", "each"), [(9e-6, 5e-9), (1e-7, 3e-9), (9.9e-5, 2.1e-9), (5e-5, 1e-8)])
@pytest.mark.parametrize("step", [2, 3, 10])
def test_straight_lines_cross_where_they_do(fixed: float, each: float, step: int) -> None:
    """Times of a + b n, measured a step apart, cross at a size that can be worked out: the interval holds it."""
    base_fixed, base_each = 1e-4, 2e-9
    known = (base_fixed - fixed) / (each - base_each)
    before = step ** math.floor(math.log(known, step))
    sizes = (round(before), round(before * step))
    meetings = [
        meeting(n, (fixed + each * n) / (base_fixed + base_each * n), 0.001, base_fixed + base_each * n) for n in sizes
    ]
    size, low, high = crossing_size(meetings)
    assert low <= known <= high
    assert low <= size <= high


def test_a_wider_interval_gives_a_wider_crossing() -> None:
    """What is known less well of the ratios is known less well of the size."""
    narrow, wide = (crossing_size([meeting(100, 0.5, w), meeting(10_000, 2.0, w)]) for w in (0.01, 0.2))
    assert wide[1] < narrow[1] < narrow[2] < wide[2]


def test_a_wavering_ratio_is_bracketed() -> None:
    """Where the ratio crosses 1 three times between two winners, the interval reaches from the first to the last."""
    wavering = [meeting(100, 0.5), meeting(1_000, 1.05, 0.2), meeting(2_000, 0.95, 0.2), meeting(10_000, 2.0)]
    size, low, high = crossing_size(wavering)
    assert 100 < low < 1_000
    assert 2_000 < high < 10_000
    assert low < size < high
