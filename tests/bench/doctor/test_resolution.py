"""The smallest visible change: its formula against simulated races, and its computation from the twin's records."""

import math

import numpy as np
import pytest

from bench.doctor import resolution
from bench.results import statistics
from bench.results.finding import Resolution
from bench.results.record import Arm, Record, Role, Status
from impls.contract.catalogue import workloads
from impls.contract.setting import Setting

SETTING: Setting = workloads()["linear/line"].setting()


def record(role: Role, number: int, seconds: float, status: Status = "ok", reason: str = "") -> Record:
    """A round of the reference or its twin, ten equal laps."""
    measured = status == "ok"
    return Record(
        run="made up",
        arm=Arm(workload="linear/line", implementation="linear/nn_sgd", setting=SETTING, role=role),
        round=number,
        status=status,
        reason=reason,
        started="",
        updates_per_block=10 if measured else None,
        laps=tuple(range(1, 11)) if measured else (),
        blocks=(seconds,) * 10 if measured else (),
        round_seconds=6.0,
    )


def race(*logarithms: float) -> list[Record]:
    """Rounds in which the twin was so much slower than the reference."""
    return [
        each
        for number, logarithm in enumerate(logarithms, 1)
        for each in (record("reference", number, 0.01), record("twin", number, 0.01 * math.exp(logarithm)))
    ]


@pytest.mark.parametrize(("rounds", "deviation"), [(3, 0.02), (5, 0.006), (8, 0.01), (20, 0.05)])
def test_the_smallest_change_is_seen_four_times_out_of_five(rounds: int, deviation: float) -> None:
    """Over 8 000 simulated races of two arms that differ by just that much, the interval excludes 1 in 78 to 82 %."""
    change = resolution.smallest_change(deviation, rounds)
    generator = np.random.default_rng(7)
    resolved = [
        statistics.estimate(list(math.log1p(change) + deviation * generator.standard_normal(rounds)))
        for _ in range(8000)
    ]
    seen = np.mean(
        [each.low is not None and each.high is not None and not each.low <= 1 <= each.high for each in resolved]
    )
    assert 0.78 <= seen <= 0.82


def test_more_rounds_less_noise_and_less_power_show_smaller_changes() -> None:
    """The change grows with the deviation; without any noise every change is seen."""
    changes = [resolution.smallest_change(0.01, rounds) for rounds in (2, 3, 5, 10, 40)]
    assert changes == sorted(changes, reverse=True)
    assert resolution.smallest_change(0.02, 8) > resolution.smallest_change(0.01, 8)
    assert resolution.smallest_change(0.01, 8, power=0.5) < resolution.smallest_change(0.01, 8)
    assert resolution.smallest_change(0.0, 8) == 0


def test_the_formula_is_near_the_textbooks_for_many_rounds() -> None:
    """With forty rounds it is the sum of the two normal quantiles, 2.80, over the root of forty, within 5 %."""
    assert math.log1p(resolution.smallest_change(0.01, 40)) == pytest.approx(2.80 * 0.01 / math.sqrt(40), rel=0.05)


def test_the_interval_of_the_change_holds_the_truth_as_often_as_it_says() -> None:
    """Over 4 000 simulated doctors with five rounds each, in 93.5 to 96.5 %."""
    truth = resolution.smallest_change(0.01, 10)
    generator = np.random.default_rng(3)
    held = 0
    for _ in range(4000):
        resolved = resolution.resolution(list(0.01 * generator.standard_normal(5)), 6.0)
        assert resolved is not None
        held += resolved.low <= truth <= resolved.high
    assert 0.935 <= held / 4000 <= 0.965


def test_the_rounds_that_fit_are_counted_by_how_long_they_took() -> None:
    """Six seconds a round are ten rounds in a minute; a round of two minutes still leaves the two that are needed."""
    resolved = [resolution.resolution([0.01, -0.01, 0.0], seconds) for seconds in (6.0, 120.0)]
    assert [10, 2] == [each.rounds for each in resolved if each]
    assert resolution.resolution([0.01], 6.0) is None


def test_records_of_the_twin_tell_what_can_be_seen() -> None:
    """The deviation of its round logarithms, the seconds of its rounds, its own ratio, and a sentence."""
    resolved, finding = resolution.measured(race(0.004, -0.004, 0.004, -0.004))
    assert isinstance(resolved, Resolution)
    assert (4, 10) == (resolved.raced, resolved.rounds)
    assert resolved.deviation == pytest.approx(0.004)
    assert resolved.sentence == f"a change of {100 * resolved.change:.1f} % or more is visible in 60 s"
    assert resolved.ratio[0] == pytest.approx(1)
    assert ("resolution", "fine") == (finding.topic, finding.grade)
    assert finding.seen.startswith(resolved.sentence)


@pytest.mark.parametrize(
    ("logarithms", "grade"),
    [
        ((0.03, -0.03, 0.03, -0.03), "caution"),
        ((0.2, -0.2, 0.2, -0.2), "bad"),
        ((0.010, 0.011, 0.012, 0.011), "caution"),
    ],
)
def test_a_coarse_machine_or_a_twin_off_one_is_not_fine(logarithms: tuple[float, ...], grade: str) -> None:
    """Above 2 % it is a caution, above 5 % bad; and so is a twin that cannot be equal to its reference a caution."""
    _, finding = resolution.measured(race(*logarithms))
    assert grade == finding.grade
    assert finding.advice


def test_a_race_that_did_not_come_off_is_unknown_with_its_reason() -> None:
    """The arm's own reason, or that there were too few rounds."""
    broken = [record("reference", 1, 0, "failed", "ValueError: no"), record("twin", 1, 0, "failed", "ValueError: no")]
    resolved, finding = resolution.measured(broken)
    assert (None, "unknown", "failed: ValueError: no") == (resolved, finding.grade, finding.seen)
    assert (None, "fewer than two rounds of the twin ended") == (
        (one := resolution.measured(race(0.01)))[0],
        one[1].seen,
    )
    assert resolution.measured([])[0] is None


def test_the_race_is_reference_and_twin_alone_and_leaves_nothing_behind() -> None:
    """On the CPU, with a short job, as many rounds as the time allows, in a temporary folder."""
    with resolution.prepared(budget=12.0) as store:
        plan = store.plan()
        (only,) = plan.races
        assert ["reference", "twin"] == [arm.role for arm in only.arms]
        assert {"cpu"} == {arm.setting.device for arm in only.arms}
        assert (12.0, 0.0, 4) == (plan.budget, plan.precision, plan.rounds[0])
        assert only.reference.setting.updates <= 1000
        place = store.path
    assert not place.exists()
