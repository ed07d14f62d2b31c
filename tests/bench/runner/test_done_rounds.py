"""What the rounds of a race that are done tell of its arms."""

from msgspec.structs import replace

from bench.runner.done_rounds import is_precise, resting_arms
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
