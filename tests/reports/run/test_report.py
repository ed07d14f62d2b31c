"""The report of a run: its rows, twin, findings and warnings."""

import re

import numpy as np
import pytest
from msgspec.structs import replace

from bench.results.record import Caveat, Record
from reports.run.report import RaceResult, report_of
from tests.reports.records import (
    ANALYTIC,
    ENVIRONMENT,
    FLOOR,
    MANUAL,
    MOMENTS,
    REFERENCE,
    TWIN,
    WRONG,
    arm,
    compared,
    floored,
    grown,
    plan,
    race,
    record,
    rounds,
)

DRAWN = arm("linear/nn_sgd", watch="draw")


def codes(warnings: tuple[Caveat, ...]) -> list[str]:
    """The codes of warnings, in order."""
    return [warning.code for warning in warnings]


def sentences(result: RaceResult) -> list[str]:
    """Its findings as sentences."""
    return [finding.text for finding in result.findings]


def shown(records: list[Record]) -> RaceResult:
    """The result of the one race of these records' arms."""
    return report_of(
        plan(race(*dict.fromkeys(each.arm for each in records if each.arm.role == "arm"))), {}, records
    ).races[0]


def test_the_same_records_give_the_same_comparison() -> None:
    """Comparing twice gives equal objects: nothing but the records decides."""
    first = compared({MANUAL: 5e-4, ANALYTIC: 2e-4})
    assert first == report_of(first.plan, ENVIRONMENT, first.records)
    assert first == compared({MANUAL: 5e-4, ANALYTIC: 2e-4})


def test_every_arm_but_the_twin_has_a_row() -> None:
    """The twin is no contestant: its ratio belongs to the race, and every other arm has one row."""
    comparison = compared({MANUAL: 5e-4}, record(ANALYTIC, 1, None, status="failed", reason="broke"))
    (result,) = comparison.races
    assert {row.arm for row in result.rows} == {REFERENCE, MANUAL, ANALYTIC}
    assert len(result.rows) == 3
    assert result.twin is not None
    assert result.twin.value == pytest.approx(1, abs=0.01)


def test_races_are_kept_apart() -> None:
    """Records of another race, at another dtype say, change nothing in this one."""
    fine = arm("linear/nn_sgd", "reference", dtype="float64")
    other = race(arm(dtype="float64"), reference=fine, twin=None)
    records = [*rounds(REFERENCE, 4e-4), *rounds(TWIN, 4e-4), *rounds(MANUAL, 5e-4)]
    more = [each for one in other.arms for each in rounds(one, 9e-4)]
    both = report_of(plan(race(MANUAL), other), ENVIRONMENT, records + more)
    assert both.races[0] == report_of(plan(race(MANUAL)), ENVIRONMENT, records).races[0]
    assert [row.arm for row in both.races[1].rows] == list(other.arms)
    assert both.races[1].twin is None


def test_a_run_without_records_has_all_its_rows() -> None:
    """A run that was stopped before its first round shows every arm as interrupted, and warns that there are no ratios."""
    comparison = report_of(plan(race(MANUAL, ANALYTIC)), {}, [])
    assert [row.status for row in comparison.races[0].rows] == ["interrupted"] * 3
    assert (sentences(comparison.races[0]), codes(comparison.warnings)) == (["No answers."], ["no_reference"])


def test_the_first_sentence_names_the_fastest() -> None:
    """The first finding names the fastest faithful arm, its time, and how many times as fast it is, with an interval."""
    comparison = compared({MANUAL: 5e-4, ANALYTIC: 2e-4})
    said = comparison.races[0].findings[0].text
    assert said.startswith("Fastest: linear/analytic cpu eager, ")
    assert "times as fast as linear/nn_sgd cpu eager (95 % interval 1.9" in said


def test_nothing_faster_is_said_so() -> None:
    """Where the reference is the fastest, the first finding says that nothing was faster."""
    said = compared({MANUAL: 8e-4}).races[0].findings[0].text
    assert said.startswith("No arm was faster than linear/nn_sgd cpu eager (")


def test_algorithmic_arms_are_not_called_the_fastest() -> None:
    """An arm that does less work is not named as the fastest way of doing all of it."""
    quick = rounds(ANALYTIC, 1e-6, work="algorithmic")
    said = shown([*rounds(REFERENCE, 4e-4), *rounds(TWIN, 4e-4), *quick]).findings[0].text
    assert said.startswith("No arm was faster than linear/nn_sgd cpu eager (")


def test_an_arm_that_is_the_same_is_not_called_the_fastest() -> None:
    """An arm whose verdict against the reference is "same" is not named as faster than it."""
    result = compared({MANUAL: 3.97e-4}).races[0]
    assert (result.rows[0].arm, result.rows[0].verdict) == (MANUAL, "same")
    assert not result.findings[0].text.startswith("Fastest: linear/manual")


def test_a_wrong_arm_is_named_and_not_the_fastest() -> None:
    """A wrong arm is named in capital words, and however fast it is, another one is called the fastest."""
    wrong = rounds(ANALYTIC, 1e-5, status="wrong", reason="off", judgement=WRONG)
    found = sentences(shown([*rounds(REFERENCE, 4e-4), *rounds(TWIN, 4e-4), *wrong]))
    assert found[0].startswith("No arm was faster than linear/nn_sgd")
    assert "WRONG ANSWERS: linear/analytic cpu eager; they are not ranked." in found


def test_right_answers_are_counted() -> None:
    """Where all answers are right, one sentence says so and how many there were."""
    found = sentences(compared({MANUAL: 5e-4, ANALYTIC: 2e-4}).races[0])
    assert "All 3 answers agree with the float64 oracle to within rounding error." in found


def test_the_price_of_watching_is_said() -> None:
    """A watched job is compared with the same arm's unwatched job, as a share of its time."""
    drawn = [replace(each, job=each.job and replace(each.job, seconds=50.0)) for each in rounds(DRAWN, 2e-3)]
    found = sentences(shown([*rounds(REFERENCE, 4e-4), *rounds(TWIN, 4e-4), *drawn]))
    expected = (
        "Of the 50.0 s that linear/nn_sgd takes for the whole job when watched, "
        "75 % is drawing every 80 updates; without watching it takes 12.5 s."
    )
    assert expected in found


def test_the_twin_says_how_much_identical_code_differs() -> None:
    """The last finding is the reference's race against itself, with its interval."""
    said = compared({MANUAL: 5e-4}).races[0].findings[-1].text
    assert said.startswith("The reference, raced against itself, came out at ")
    assert said.endswith(" %): identical code differs by that much here.")


def test_a_twin_off_one_is_warned_of() -> None:
    """Identical code that came out five per cent apart is warned of, and one within two per cent is not."""
    off = [*rounds(REFERENCE, 4e-4), *rounds(TWIN, 4.2e-4)]
    assert codes(shown(off).warnings) == ["twin_off"]
    assert codes(compared({MANUAL: 5e-4}).warnings) == []


@pytest.mark.parametrize("status", ["failed", "wrong", "unsupported"])
def test_a_reference_that_failed_is_warned_of(status: str) -> None:
    """Without a right reference there is a warning that says how to choose another."""
    reference = replace(record(REFERENCE, 1, None, reason="because"), status=status)
    result = shown([reference, *rounds(MANUAL, 5e-4)])
    assert codes(result.warnings) == ["no_reference"]
    assert result.warnings[0].advice == "choose another with --reference"
    assert {row.ratio for row in result.rows} == {None}


def test_rounds_that_disagree_are_warned_of() -> None:
    """An arm whose ratio jumps from round to round is warned of by name; watched arms are not, for they are restless."""
    jumps = 4e-4 * np.exp([0.1, -0.1, 0.1, -0.1])
    restless = [record(one, n + 1, seconds) for one in (MANUAL, DRAWN) for n, seconds in enumerate(jumps)]
    warnings = shown([*rounds(REFERENCE, 4e-4, 4), *rounds(TWIN, 4e-4, 4), *restless]).warnings
    assert codes(warnings) == ["rounds_disagree"]
    assert "linear/manual cpu eager" in warnings[0].text


def test_a_records_caveat_is_shown_once() -> None:
    """A caveat that many records carry is one warning of the run, and each says what to do."""
    stolen = Caveat(code="stolen", text="the hypervisor gave 9% to somebody else", advice="repeat at a quieter time")
    records = [*rounds(REFERENCE, 4e-4, caveats=[stolen]), *rounds(TWIN, 4e-4, caveats=[stolen])]
    comparison = report_of(plan(race()), {}, [*records, *rounds(MANUAL, 4e-4, caveats=[stolen])])
    assert comparison.warnings == (stolen,)
    assert comparison.races[0].warnings == (stolen,)


def test_what_one_round_shows_is_not_called_known() -> None:
    """With one round nothing is resolved, and the first finding says so instead of naming a fastest arm."""
    said = shown([*rounds(REFERENCE, 4e-4, 1), *rounds(TWIN, 4e-4, 1), *rounds(MANUAL, 1e-4, 1)]).findings[0].text
    assert said.startswith("No arm is known to be faster than linear/nn_sgd cpu eager (")


def test_the_floor_is_said_after_the_fastest() -> None:
    """The second sentence gives the least time that reading the data takes, and how near the arms come to it."""
    found = sentences(floored({MANUAL: 2e-5}).races[0])
    assert re.fullmatch(
        r"Only reading the data takes (9\.\d\d|10\.\d) µs an update \(linear/floor_read\): "
        r"the fastest faithful arm takes (1\.9\d|2\.0\d) times as long, linear/nn_sgd (39|40)\.\d times\.",
        found[1],
    )


def test_the_reference_is_not_named_twice_above_the_floor() -> None:
    """Where the reference is the fastest it stands above the floor as the fastest alone."""
    assert floored({}).races[0].findings[1].text.endswith(" times as long.")


def test_without_a_floor_nothing_is_said_of_one() -> None:
    """No floor, or one that failed, and there is no sentence about it."""
    failed = record(FLOOR, 1, None, status="unsupported", reason="no compiler", work="floor")
    for result in (compared({MANUAL: 2e-5}).races[0], compared({MANUAL: 2e-5}, failed).races[0]):
        assert not [said for said in sentences(result) if said.startswith("Only reading the data")]


def test_each_device_has_its_floor() -> None:
    """A floor of each device is set against the arms of that device, and says which it is."""
    cuda, gpu = arm("linear/floor_read_triton", device="cuda"), arm("linear/nn_sgd", device="cuda")
    told = [*rounds(cuda, 1e-6, work="floor", judgement=None), *rounds(gpu, 1e-5)]
    first, second = [
        said for said in sentences(floored({}, *told).races[0]) if said.startswith("Only reading the data")
    ]
    assert "on cuda (linear/floor_read_triton): the fastest faithful arm takes 10" in first.replace(" 9.9", " 10.0")
    assert "on cpu (linear/floor_read): the fastest faithful arm takes 40" in second.replace(" 39.", " 40.")


def test_another_algorithm_is_named_with_its_whole_job() -> None:
    """The fastest whole job of the algorithmic arms is told, and that it is ranked apart."""
    found = sentences(
        shown([*rounds(REFERENCE, 4e-4), *rounds(TWIN, 4e-4), *rounds(MOMENTS, 6e-9, work="algorithmic")])
    )
    assert (
        "Another algorithm (linear/moments) does the whole job of 10 000 updates in 12.5 s once it has started; "
        "it is ranked separately, because not every update reads the data."
    ) in found
    assert not [said for said in sentences(compared({MANUAL: 1e-4}).races[0]) if "another algorithm" in said]


def test_a_floor_has_no_answer() -> None:
    """Floors are not counted among the answers, not even with a judgement, and are never called the fastest."""
    judged = rounds(FLOOR, 1e-6, work="floor")
    found = sentences(shown([*rounds(REFERENCE, 4e-4), *rounds(TWIN, 4e-4), *judged]))
    assert "All 1 answers agree with the float64 oracle to within rounding error." in found
    assert found[0].startswith("No arm was faster than linear/nn_sgd")


def test_only_a_sweep_grows() -> None:
    """A plan that sweeps nothing has no growth; one that does has, and the same records give the same."""
    assert compared({MANUAL: 5e-4}).sweep is None
    first = grown({"linear/nn_sgd": lambda _: 4e-4, "linear/c": lambda _: 1e-4})
    assert first.sweep is not None
    assert first == report_of(first.plan, ENVIRONMENT, first.records)
