"""Comparing made-up runs whose true changes are known: what changed, what is refused, what is named."""

from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from bench.results.record import Arm, Record
from reports.compare.changes import Change, Changes, Incomparable, compare_runs
from reports.run.report import RunReport, report_of
from tests.reports.records import ANALYTIC, ENVIRONMENT, MANUAL, REFERENCE, TWIN, arm, plan, race, rounds

C, JAX = arm("linear/c"), arm("linear/jax")


def side(
    speeds: Mapping[Arm, float],
    name: str = "then",
    *others: Record,
    salt: int = 1,
    environment: dict[str, Any] | None = None,
    reference: float = 4e-4,
    count: int = 6,
    **changed: Mapping[str, str],
) -> RunReport:
    """A run of the reference and its twin against arms of these speeds.

    changed  values of a record's field for an implementation: digest={"linear/c": "other"}
    """
    seen = {REFERENCE: reference, TWIN: reference, **speeds}
    records = [each for one, speed in seen.items() for each in rounds(one, speed, count, salt=[salt])]
    records = [
        replace(record, run=name, **{field: of.get(record.arm.implementation, "same") for field, of in changed.items()})
        for record in records
    ]
    records += others
    contestants = dict.fromkeys([*speeds, *(record.arm for record in others)])
    this = plan(race(*contestants)).named(name)
    return report_of(this, ENVIRONMENT if environment is None else environment, records)


def of(found: Changes, arm: Arm) -> Change:
    """The change of an arm."""
    return next(change for change in found.changes if change.key == arm.key)


def test_an_arm_that_became_slower_is_called_so() -> None:
    """An arm that takes 8 % longer is slower, with an interval that holds 8 %; one that does not is the same."""
    found = compare_runs(side({MANUAL: 2.16e-4, C: 1e-5}, "now", salt=2), side({MANUAL: 2e-4, C: 1e-5}))
    slower, same = of(found, MANUAL), of(found, C)
    assert (slower.verdict, same.verdict) == ("slower", "same")
    assert slower.ratio
    assert slower.ratio.low is not None
    assert slower.ratio.high is not None
    assert slower.ratio.low < 1.08 < slower.ratio.high
    assert found.changes[0].key == MANUAL.key


def test_a_slower_machine_changes_no_ratio() -> None:
    """When everything takes 30 % longer, the ratios stay and the reference's seconds show the change."""
    speeds = {MANUAL: 2e-4, C: 1e-5}
    then, now = side(speeds), side({one: 1.3 * s for one, s in speeds.items()}, "now", salt=2, reference=1.3 * 4e-4)
    found = compare_runs(now, then)
    assert [change.verdict for change in found.changes] == ["same", "same", "reference"]
    seconds = of(found, MANUAL).seconds
    assert seconds
    assert seconds.value == pytest.approx(1.3, rel=0.05)
    (control,) = found.controls
    assert control.seconds
    assert control.seconds.value == pytest.approx(1.3, rel=0.05)
    assert control.twin
    assert control.twin.value == pytest.approx(1, abs=0.02)


def test_identical_runs_are_seldom_called_different() -> None:
    """Of 200 arms that did not change, no more than 2 are called faster or slower."""
    arms = {arm(f"linear/way_{number}"): 1e-4 for number in range(50)}
    verdicts = [
        change.verdict
        for salt in (10, 20, 30, 40)
        for change in compare_runs(side(arms, "now", salt=salt), side(arms, salt=salt + 1)).changes
    ]
    assert len(verdicts) == 204
    assert sum(verdict in ("slower", "faster") for verdict in verdicts) <= 2
    assert sum(verdict == "same" for verdict in verdicts) >= 190


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("processor", "Another 1"),
        ("cores", 4),
        ("memory_bytes", 2**35),
        ("gpus", [{"name": "GPU", "memory_bytes": 2**36}]),
    ],
)
def test_other_machines_are_named_and_no_time_is_compared(what: str, value: object) -> None:
    """Where processor, cores, memory or GPUs differ there is no ratio, and the difference is named."""
    elsewhere = ENVIRONMENT | {"machine": ENVIRONMENT["machine"] | {what: value}}
    found = compare_runs(side({MANUAL: 2e-4}, "now", environment=elsewhere), side({MANUAL: 1e-4}))
    assert len(found.machine) == 1
    assert [(change.ratio, change.seconds) for change in found.changes] == [(None, None)] * 2
    assert of(found, MANUAL).verdict == "not compared"
    assert found.controls[0].twin is None


def test_machines_that_are_not_known_are_not_the_same() -> None:
    """Two runs without an environment may come from anywhere."""
    found = compare_runs(side({MANUAL: 2e-4}, "now", environment={}), side({MANUAL: 2e-4}, environment={}))
    assert [each.text for each in found.machine] == ["machine: not recorded then, not recorded now"]
    assert of(found, MANUAL).ratio is None


def test_other_packages_leave_the_ratio_and_take_the_seconds() -> None:
    """With another PyTorch the ratios are still compared, and seconds are not."""
    older = ENVIRONMENT | {"packages": {"torch": "2.12.0", "numpy": "2.4.6"}}
    found = compare_runs(side({MANUAL: 2e-4}, "now", salt=2), side({MANUAL: 2e-4}, environment=older))
    assert [each.text for each in found.software] == ["torch: 2.12.0 then, 2.13.0+cpu now"]
    change = of(found, MANUAL)
    assert (change.verdict, change.seconds) == ("same", None)


def test_other_data_are_no_comparison() -> None:
    """An arm that was timed on other data is not compared, with the reason; the others are."""
    now = side({MANUAL: 2e-4, C: 1e-5}, "now", salt=2, digest={"linear/c": "other"})
    found = compare_runs(now, side({MANUAL: 2e-4, C: 1e-5}, digest={}))
    assert (of(found, C).ratio, of(found, C).seconds, of(found, C).why_not) == (None, None, "other data")
    assert of(found, MANUAL).verdict == "same"


def test_code_that_changed_is_said() -> None:
    """Only the arm whose fingerprint differs has changed code."""
    now = side({MANUAL: 2e-4, C: 1e-5}, "now", salt=2, fingerprint={"linear/c": "new"})
    found = compare_runs(now, side({MANUAL: 2e-4, C: 1e-5}, fingerprint={}))
    assert {change.now.arm.implementation: change.code_changed for change in found.changes} == {
        "linear/c": True, "linear/manual": False, "linear/nn_sgd": False
    }  # fmt: skip


def test_an_arm_that_fails_now_comes_first() -> None:
    """The verdict of an arm whose status changed is both statuses; it has no ratio and no change of code."""
    failed = rounds(JAX, None, 1, status="failed", reason="RuntimeError: no")
    found = compare_runs(
        side({MANUAL: 3e-4}, "now", *failed, salt=2, fingerprint={}), side({MANUAL: 2e-4, JAX: 1e-4}, fingerprint={})
    )
    first = found.changes[0]
    assert (first.key, first.verdict) == (JAX.key, "was ok, now failed")
    assert (first.ratio, first.seconds, first.code_changed) == (None, None, False)


def test_a_wrong_arm_is_never_called_faster() -> None:
    """An arm with wrong answers in both runs has no change, however much faster it is."""
    speeds = ({JAX: 1e-4}, {JAX: 1e-5})
    sides = [
        side({MANUAL: 2e-4}, name, *(replace(r, status="wrong") for one, s in each.items() for r in rounds(one, s)))
        for name, each in zip(("then", "now"), speeds, strict=True)
    ]
    change = of(compare_runs(sides[1], sides[0]), JAX)
    assert (change.verdict, change.ratio) == ("wrong", None)


def test_arms_of_only_one_run_are_listed() -> None:
    """Arms that only one run has are listed."""
    found = compare_runs(side({MANUAL: 2e-4, C: 1e-5}, "now"), side({MANUAL: 2e-4, ANALYTIC: 1e-4}))
    assert (found.gone, found.new) == ((ANALYTIC,), (C,))


def test_another_reference_is_no_reference() -> None:
    """The same arms raced against another reference have no change of ratio."""
    base, twin = arm("linear/manual", "reference"), arm("linear/manual", "twin")
    records = [each for one in (base, twin, C) for each in rounds(one, 1e-4)]
    this = plan(race(C, reference=base, twin=twin)).named("now")
    now = report_of(this, ENVIRONMENT, records)
    found = compare_runs(now, side({MANUAL: 1e-4, C: 1e-4}))
    assert (of(found, C).ratio, of(found, C).why_not) == (None, "other references")
    assert of(found, C).seconds
    assert "reference: linear/nn_sgd cpu eager then, linear/manual cpu eager now" in [e.text for e in found.others]


def test_a_run_against_itself_is_refused() -> None:
    """A run is not compared with itself."""
    with pytest.raises(Incomparable, match="name an earlier one with --against"):
        compare_runs(side({MANUAL: 2e-4}), side({MANUAL: 2e-4}))


def test_runs_without_a_common_arm_are_refused_with_what_differs() -> None:
    """Runs without a common arm are refused; the message names what differs and the command to type."""
    settings: dict[str, Any] = {"rows": 100}
    reference, twin = arm("linear/nn_sgd", "reference", **settings), arm("linear/nn_sgd", "twin", **settings)
    this = plan(race(arm("linear/c", **settings), reference=reference, twin=twin)).named("now")
    with pytest.raises(Incomparable, match=r"no arm in common \(rows: 100 000 then, 100 now\).*python -m bench run"):
        compare_runs(report_of(this, ENVIRONMENT, []), side({MANUAL: 2e-4}))


def test_one_round_each_leaves_it_unresolved() -> None:
    """Without an interval on both sides nothing is faster or slower."""
    found = compare_runs(side({MANUAL: 4e-4}, "now", count=1, salt=2), side({MANUAL: 2e-4}))
    assert of(found, MANUAL).verdict == "unresolved"


def test_runs_without_a_single_time_have_nothing_to_tell() -> None:
    """Runs in which all arms failed are compared by status."""
    failed = [rounds(one, None, 1, status="failed", reason="x") for one in (REFERENCE, TWIN, MANUAL)]
    this = [each for mine in failed for each in mine]
    sides = [report_of(plan(race(MANUAL)).named(name), ENVIRONMENT, this) for name in ("then", "now")]
    found = compare_runs(sides[1], sides[0])
    assert [(change.verdict, change.ratio) for change in found.changes] == [("failed", None)] * 2


def test_conditions_that_both_recorded_are_set_side_by_side() -> None:
    """Another frequency policy may explain a change; what the older run did not record is no difference."""
    then = ENVIRONMENT | {"conditions": {"governor": "powersave"}}
    now = ENVIRONMENT | {"conditions": {"governor": "performance", "clock source": "tsc"}}
    found = compare_runs(side({MANUAL: 2e-4}, "now", environment=now), side({MANUAL: 2e-4}, environment=then))
    assert [each.text for each in found.others] == ["governor: powersave then, performance now"]
