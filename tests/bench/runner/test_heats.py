"""Arms whose processes do not all fit into memory race in heats that share the reference and its twin."""

import pytest

from bench.results.record import Arm
from bench.runner.heats import SHARED, heats_of
from impls.contract.setting import Setting

SETTING = Setting(updates=1, parameters=(("hidden", 8),))
ARMS = tuple(Arm(workload="my_step.py", implementation=name, setting=SETTING) for name in "abcdefgh")


def test_arms_that_fit_race_together() -> None:
    """There are no heats while every process fits, with some memory left free."""
    assert heats_of(ARMS, needed=100, available=1000) == []


@pytest.mark.parametrize("available", [900, 700, 500, 380, 0])
def test_every_arm_is_in_one_heat_beside_the_reference(available: int) -> None:
    """The reference and its twin are in each heat; every other arm is in exactly one; no heat is larger than what fits."""
    heats = heats_of(ARMS, needed=100, available=available)
    assert all(tuple(heat[:SHARED]) == ARMS[:SHARED] for heat in heats)
    others = [arm for heat in heats for arm in heat[SHARED:]]
    assert sorted(arm.implementation for arm in others) == sorted(arm.implementation for arm in ARMS[SHARED:])
    fitting = max(SHARED + 1, int(available * 0.8 / 100))
    assert max(map(len, heats)) <= fitting
    assert max(map(len, heats)) - min(map(len, heats)) <= 1
