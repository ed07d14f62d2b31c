"""What the rounds of a race that are done tell of its arms."""

from msgspec.structs import replace

from bench.runner.done_rounds import is_precise, leader, resting_arms
from tests.reports.records import plan, race
from tests.reports.steps import IDENTICAL, PLAIN, answered


def test_an_arm_that_is_too_slow_rests_and_holds_nothing_up() -> None:
    """After two rounds beyond the plan's limit; never the reference or its twin, and never in a plan without a limit."""
    runs = [
        answered("plain", PLAIN, IDENTICAL, role="reference"),
        answered("plain", PLAIN * 1.5, IDENTICAL, role="twin"),
        answered("fused", PLAIN * 1.02),
        answered("checkpointing", PLAIN * 1.6),
    ]
    reference, twin, *arms = [records[0].arm for records in runs]
    this = race(*arms, reference=reference, twin=twin)
    once = {1: [records[0] for records in runs]}
    twice = once | {2: [records[1] for records in runs]}
    limited = replace(plan(this), resting=1.1)
    assert resting_arms(limited, this, once) == set()
    assert resting_arms(limited, this, twice) == {"checkpointing"}
    assert resting_arms(plan(this), this, twice) == set()
    wide = [answered("checkpointing", PLAIN * factor)[number] for number, factor in enumerate((1.2, 2.0))]
    shaken = {number: [*twice[number][:3], wide[number - 1]] for number in twice}
    assert is_precise(replace(limited, precision=1.0), this, shaken)
    assert not is_precise(replace(plan(this), precision=1.0), this, shaken)


def test_an_arm_rests_as_soon_as_its_ratio_is_known_and_not_before_the_plan_has_settled() -> None:
    """The reference and its twin are raced as long as any arm is; a narrow interval of few rounds may be luck."""
    steady = [answered("fused", PLAIN * factor) for factor in (0.5, 0.501, 0.499)]
    shaky = [answered("checkpointing", PLAIN * factor) for factor in (0.5, 0.7, 0.9)]
    base = [answered("plain", PLAIN, IDENTICAL, role="reference"), answered("plain", PLAIN, IDENTICAL, role="twin")]
    reference, twin, *arms = [records[0].arm for records in (*base, steady[0], shaky[0])]
    this = race(*arms, reference=reference, twin=twin)
    done = {
        number + 1: [replace(records[0], round=number + 1) for records in (*base, steady[number], shaky[number])]
        for number in range(3)
    }
    precise = replace(plan(this), precision=0.02, settled=3)
    assert resting_arms(precise, this, done) == {"fused"}
    assert resting_arms(replace(precise, settled=4), this, done) == set()
    assert resting_arms(replace(precise, settled=0), this, done) == set()
    assert not is_precise(precise, this, done)
    assert is_precise(replace(precise, precision=2.0), this, done)
    assert not is_precise(replace(precise, precision=2.0, settled=4), this, done)


def test_the_leader_is_the_fastest_arm_whose_answer_is_right() -> None:
    """A wrong one leads nothing, nor does the reference."""
    runs = [
        answered("plain", PLAIN, IDENTICAL, role="reference"),
        answered("plain", PLAIN, IDENTICAL, role="twin"),
        answered("fused", PLAIN * 0.8),
        answered("foreach", PLAIN * 0.5, replace(IDENTICAL, word="different")),
    ]
    reference, twin, *arms = [records[0].arm for records in runs]
    this = race(*arms, reference=reference, twin=twin)
    found = leader(this, {1: [records[0] for records in runs]})
    assert found
    assert found.arm.implementation == "fused"
    assert abs(found.ratio.value - 0.8) < 0.01
    assert leader(this, {}) is None
