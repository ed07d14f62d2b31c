"""Estimates, intervals, pairs and verdicts on made-up blocks, of which the truth is known."""

import math

import numpy as np
import pytest

from bench.results import statistics
from bench.results.record import Arm, Record
from impls.contract.catalogue import workloads

ARM = Arm(workload="linear/five", implementation="linear/manual", setting=workloads()["linear/five"].setting())


def seen(number: int, per_update: dict[int, float]) -> Record:
    """A record of one round with these laps, ten updates a block."""
    return Record(
        run="made up",
        arm=ARM,
        round=number,
        status="ok",
        started="",
        updates_per_block=10,
        laps=tuple(per_update),
        blocks=tuple(10 * seconds for seconds in per_update.values()),
    )


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """Over 4 000 made-up races of five rounds, the 95 % interval holds the true ratio in 93.5 to 96.5 % of them."""
    generator = np.random.default_rng(1)
    truth = math.log(1.05)
    found = [statistics.estimate(list(truth + 0.02 * generator.standard_normal(5))) for _ in range(4000)]
    share = np.mean([e.low is not None and e.high is not None and e.low <= 1.05 <= e.high for e in found])
    assert 0.935 <= share <= 0.965


def test_one_round_gives_no_interval() -> None:
    """A single round has a value, no interval, and resolves nothing."""
    found = statistics.estimate([math.log(0.5)])
    assert (None, None, 1) == (found.low, found.high, found.rounds)
    assert found.value == pytest.approx(0.5)
    assert statistics.verdict(found) == "unresolved"


def test_pairs_are_taken_inside_a_lap() -> None:
    """A machine that gets three times slower from lap to lap does not change the ratio."""
    slower = {lap: 1e-3 * 3**lap for lap in range(1, 8)}
    arm = [seen(number, {lap: 0.8 * seconds for lap, seconds in slower.items()}) for number in (1, 2, 3)]
    reference = [seen(number, slower) for number in (1, 2, 3)]
    found = statistics.ratio(arm, reference)
    assert found is not None
    assert found.value == pytest.approx(0.8)
    assert found.half_width == pytest.approx(0, abs=1e-9)


def test_laps_that_only_one_arm_saw_are_left_out() -> None:
    """An arm that takes part in every third lap is compared in those laps only."""
    reference = [seen(1, {lap: 1e-3 * lap for lap in range(1, 10)})]
    found = statistics.ratio([seen(1, {3: 6e-3, 6: 12e-3, 9: 18e-3})], reference)
    assert found is not None
    assert found.value == pytest.approx(2)


def test_rounds_that_only_one_arm_saw_are_left_out() -> None:
    """A round in which the reference was not measured says nothing about the ratio."""
    found = statistics.ratio([seen(1, {1: 2e-3}), seen(2, {1: 9e-3})], [seen(1, {1: 1e-3})])
    assert found is not None
    assert found.rounds == 1
    assert found.value == pytest.approx(2)


def test_nothing_in_common_is_no_ratio() -> None:
    """Without a common lap there is no ratio."""
    assert statistics.ratio([seen(1, {1: 1e-3})], [seen(1, {2: 1e-3})]) is None
    assert statistics.ratio([], [seen(1, {2: 1e-3})]) is None


def test_a_spike_moves_nothing() -> None:
    """One lap a thousand times slower than the others does not move the round's value."""
    calm = dict.fromkeys(range(1, 30), 1e-3)
    found = statistics.ratio([seen(1, calm | {7: 1.0})], [seen(1, calm)])
    assert found is not None
    assert found.value == pytest.approx(1)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.5, 0.6, "faster"),
        (1.05, 1.3, "slower"),
        (0.9, 1.1, "unresolved"),
        (0.995, 1.004, "same"),
        (1.001, 1.015, "same"),
        (1.001, 1.03, "slower"),
    ],
)
def test_verdicts_follow_from_the_interval(low: float, high: float, verdict: str) -> None:
    """faster and slower exclude 1; same lies within 2 % of it; anything else is unresolved."""
    found = statistics.Estimate(value=math.sqrt(low * high), low=low, high=high, rounds=5)
    assert statistics.verdict(found) == verdict


def test_the_interval_of_a_change_covers_the_truth_as_often_as_it_says() -> None:
    """Over 4 000 made-up pairs of runs, of unequal spread and number of rounds, it holds the truth in 93.5 to 96.5 %."""
    generator = np.random.default_rng(2)
    truth = math.log(1.05)
    covered = []
    for _ in range(4000):
        now, then = truth + 0.03 * generator.standard_normal(4), 0.01 * generator.standard_normal(9)
        found = statistics.change(list(now), list(then))
        covered.append(found.low is not None and found.high is not None and found.low <= 1.05 <= found.high)
    assert 0.935 <= np.mean(covered) <= 0.965


def test_a_change_needs_two_rounds_on_both_sides() -> None:
    """With a single round on either side there is a value without an interval; without any spread it has no width."""
    single = statistics.change([math.log(2)], [0.0, 0.0])
    assert (single.low, single.high, single.rounds) == (None, None, 1)
    assert single.value == pytest.approx(2)
    assert statistics.change([math.log(2)] * 2, [0.0] * 3).half_width == 0


def test_an_update_that_grows_slower_with_age_is_seen() -> None:
    """The last third of a round's laps is compared with the first; too few laps say nothing."""
    aging = [seen(number, {lap: 1.0 + 0.1 * lap for lap in range(1, 31)}) for number in (1, 2)]
    grown = statistics.growth(aging)
    assert grown is not None
    assert grown.value == pytest.approx(3.55 / 1.55)
    assert statistics.growth([seen(1, dict.fromkeys(range(1, 6), 1.0))]) is None
