"""The JSON document of `--json`: its fields are a promise to programs, and it is JSON in the strict sense."""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from bench.results.record import Record
from bench.results.store import pretty
from impls.contract.setting import Setting
from reports.json_document import document
from reports.run.report import report_of
from tests.reports.records import (
    ANALYTIC,
    ENVIRONMENT,
    MANUAL,
    REFERENCE,
    RIGHT,
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
from tests.reports.steps import EXAMINED, LONG, PATCH, everything

# Section 9 of the design; findings, rank and verdict came later, then growth, floors, break-even and attributions.
TOP = {"format", "run", "environment", "warnings", "races", "growth"}
RACE = {"workload", "reference", "twin", "arms", "findings", "attributions", "climb", "examined"}
ARM = {
    *("implementation", "setting", "class", "status", "reason", "seconds_per_update", "low", "high"),
    *("ratio", "ratio_low", "ratio_high", "job_seconds", "cold_seconds"),
    *("loss", "weights", "distance", "tolerance", "rounds", "rank", "verdict"),
    *("floor_ratio", "floor_low", "floor_high", "pays_off_after_updates"),
    *("rewrites", "answer", "bits_lost", "scale_bits", "draws", "consistency_bits", "distribution_p"),
    *("mean_seconds_per_update", "peak_bytes", "patch"),
    *("slope_per_update", "audits", "skipped", "whose", "stage", "module", "script"),
}


def strict(value: Any) -> Any:
    """The value after a trip through JSON that knows no NaN and no infinity."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(json.dumps(value, allow_nan=False), parse_constant=refuse)


def stored(records: Sequence[Record]) -> list[Record]:
    """The records after a trip through the store's own format."""
    return [msgspec.json.decode(pretty(each), type=Record) for each in records]


def test_the_fields_are_those_of_the_design() -> None:
    """Every field that the design promises is there at every level, for arms with and without a time."""
    failed = record(ANALYTIC, 1, None, status="failed", reason="broke")
    found = strict(document(compared({MANUAL: 5e-4}, failed), "results/x"))
    (result,) = found["races"]
    assert (set(found), set(result), set(result["twin"])) == (TOP, RACE, {"ratio", "low", "high"})
    assert [ARM] * 3 == [set(each) for each in result["arms"]]
    names = {field.name for field in dataclasses.fields(Setting)}
    assert [names] * 3 == [set(each["setting"]) for each in result["arms"]]


def test_the_document_says_which_run_and_machine() -> None:
    """Format, path and environment are passed on as they are."""
    found = strict(document(compared({MANUAL: 5e-4}), "results/x"))
    assert (found["format"], found["run"], found["environment"]) == (1, "results/x", ENVIRONMENT)
    assert (found["races"][0]["workload"], found["races"][0]["reference"]) == ("linear/line", "linear/nn_sgd")


def test_an_arm_carries_what_its_row_says() -> None:
    """Times, ratios with their intervals, and the referee's numbers are those of the comparison."""
    comparison = compared({MANUAL: 2e-4})
    row = comparison.races[0].rows[0]
    (found, _) = strict(document(comparison, "x"))["races"][0]["arms"]
    assert row.ratio is not None
    assert (found["ratio"], found["ratio_low"], found["ratio_high"]) == (row.ratio.value, row.ratio.low, row.ratio.high)
    assert found["ratio_low"] < 0.5 < found["ratio_high"]
    assert found["low"] < found["seconds_per_update"] < found["high"]
    assert (found["job_seconds"], found["cold_seconds"], found["rounds"]) == (12.5, 1.75, 5)
    assert (found["loss"], found["distance"], found["tolerance"]) == (RIGHT.loss, RIGHT.distance, RIGHT.tolerance)
    assert found["weights"] == {"weight": [0.9995], "bias": 0.5632}
    assert (found["class"], found["status"], found["rank"], found["verdict"]) == ("faithful", "ok", 1, "faster")


def test_what_was_not_measured_is_null() -> None:
    """An arm that failed has its status and reason, zero rounds, and null for everything else."""
    failed = record(ANALYTIC, 1, None, status="failed", reason="broke")
    found = strict(document(compared({}, failed), "x"))["races"][0]["arms"][-1]
    assert (found["status"], found["reason"], found["rounds"]) == ("failed", "broke", 0)
    numbers = ARM - {"implementation", "setting", "class", "status", "reason", "rounds", "verdict"}
    assert {None} == {found[name] for name in numbers}


def test_one_round_has_no_interval() -> None:
    """After a single round values are there and intervals are null."""
    records = [*rounds(REFERENCE, 4e-4, 1), *rounds(TWIN, 4e-4, 1), *rounds(MANUAL, 2e-4, 1)]
    found = strict(document(report_of(plan(race(MANUAL)), {}, records), "x"))["races"][0]
    assert (found["twin"]["low"], found["twin"]["high"]) == (None, None)
    assert found["twin"]["ratio"] == pytest.approx(1, abs=0.05)
    assert (found["arms"][0]["low"], found["arms"][0]["ratio_high"]) == (None, None)
    assert found["arms"][0]["ratio"] == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize("broken", [float("nan"), float("inf"), float("-inf")])
def test_nothing_that_is_not_finite_comes_through(broken: float) -> None:
    """A wrong arm's NaN or infinity is null in the store, and so it is in the document."""
    wrong = record(
        MANUAL,
        1,
        4e-4,
        status="wrong",
        reason="not finite",
        judgement=replace(WRONG, loss=broken, distance=None),
        weights={"weight": [broken, 1.0], "bias": broken},
    )
    records = stored([*rounds(REFERENCE, 4e-4), *rounds(TWIN, 4e-4), wrong])
    found = strict(document(report_of(plan(race(MANUAL)), ENVIRONMENT, records), "x"))["races"][0]["arms"][-1]
    assert (found["status"], found["loss"], found["distance"]) == ("wrong", None, None)
    assert found["weights"] == {"weight": [None, 1.0], "bias": None}


def test_warnings_say_what_to_do() -> None:
    """Every warning has a code, a text and an advice."""
    found = strict(document(report_of(plan(race()), {}, []), "x"))["warnings"]
    assert [{"code", "text", "advice"}] == [set(each) for each in found]


def test_the_document_of_stored_records_is_the_same() -> None:
    """Records that went through the store give the very document that they gave before."""
    comparison = compared({MANUAL: 5e-4})
    again = report_of(comparison.plan, ENVIRONMENT, stored(comparison.records))
    assert document(comparison, "x") == document(again, "x")


def test_an_arm_says_how_far_it_is_from_the_floor() -> None:
    """The ratio to the read floor stands at faithful arms, the class of the floor is its own, and it has no ratio to it."""
    comparison = floored({MANUAL: 2e-4})
    found = {each["implementation"]: each for each in strict(document(comparison, "x"))["races"][0]["arms"]}
    manual, floor = found["linear/manual"], found["linear/floor_read"]
    assert manual["floor_low"] < 20 < manual["floor_high"]
    assert manual["floor_ratio"] == pytest.approx(20, rel=0.02)
    assert (floor["class"], floor["verdict"], floor["rank"]) == ("floor", "floor", None)
    assert (floor["floor_ratio"], floor["pays_off_after_updates"]) == (None, None)


def test_an_arm_says_when_it_pays_off() -> None:
    """Updates as a whole number; null for an arm that never does, and for the reference."""
    told = [*rounds(MANUAL, 2e-4, noise=0, cold=2.5), *rounds(ANALYTIC, 9e-4, noise=0)]
    found = strict(document(compared({}, *told), "x"))["races"][0]["arms"]
    numbers = {each["implementation"]: each["pays_off_after_updates"] for each in found}
    assert numbers["linear/manual"] == pytest.approx(10_000, rel=0.05)
    assert isinstance(numbers["linear/manual"], int)
    assert (numbers["linear/analytic"], numbers["linear/nn_sgd"]) == (None, None)


def test_a_race_that_is_no_sweep_has_no_growth() -> None:
    """Growth is null unless the plan sweeps something."""
    assert strict(document(compared({MANUAL: 2e-4}), "x"))["growth"] is None


def test_a_sweep_carries_points_fits_and_crossings() -> None:
    """Growth names what was swept, each arm's points with its fit, and each crossing with its interval."""
    speeds = {"linear/nn_sgd": lambda rows: 1e-4 + 1e-9 * rows, "linear/c": lambda rows: 1e-6 + 1e-8 * rows}
    failed = record(arm("linear/numpy", rows=100), 1, None, status="failed", reason="broke")
    found = strict(document(grown(speeds, (100, 1_000, 100_000), "rows", failed), "x"))["growth"]
    assert (set(found), found["swept"]) == ({"swept", "arms", "crossings"}, "rows")
    arms = {each["implementation"]: each for each in found["arms"]}
    assert set(arms) == set(speeds)
    assert [point["size"] for point in arms["linear/c"]["points"]] == [100, 1_000, 100_000]
    assert set(arms["linear/c"]["points"][0]) == {"size", "seconds_per_update", "low", "high"}
    assert arms["linear/c"]["fit"]["each"] == pytest.approx(1e-8, rel=0.05)
    assert arms["linear/c"]["exponent"]["value"] == pytest.approx(0.98, abs=0.02)
    assert arms["linear/nn_sgd"]["pays"] is None  # the reference
    pays = arms["linear/c"]["pays"]
    assert (pays["faster_at"], pays["measured"], pays["from"]) == (2, 3, None)
    assert pays["up_to"]["low"] < pays["up_to"]["size"] < pays["up_to"]["high"]
    (crossing,) = found["crossings"]
    assert (crossing["becomes_slower"], crossing["than"]) == ("linear/c cpu eager", "linear/nn_sgd cpu eager")
    assert crossing["below"] < crossing["low"] <= crossing["size"] <= crossing["high"] < crossing["above"]


def test_two_sizes_have_no_fit() -> None:
    """With two sizes the fit of each arm is null."""
    speeds = {"linear/nn_sgd": lambda _: 4e-4, "linear/c": lambda _: 1e-4}
    assert {None} == {each["fit"] for each in strict(document(grown(speeds, (10, 100)), "x"))["growth"]["arms"]}


def test_a_race_of_a_step_has_its_answers_and_its_patches() -> None:
    """Each recipe has its rewrites, class, answer, bits and patch; the race has what was found out about its step."""
    (race,) = strict(document(everything(), "results/x"))["races"]
    arms = {each["implementation"]: each for each in race["arms"]}
    both = arms["whole_graph+channels_last"]
    assert (both["rewrites"], both["answer"], both["class"]) == (["whole_graph", "channels_last"], "closer", "faithful")
    assert (both["bits_lost"], both["scale_bits"], both["patch"]) == (-0.8, -0.2, LONG + PATCH)
    assert (both["draws"], both["consistency_bits"], both["distribution_p"]) == (None, None, None)
    assert both["setting"]["parameters"] == {"batch": 64, "hidden": 128}
    assert (arms["plain"]["rewrites"], arms["plain"]["patch"]) == ([], None)
    assert (arms["bf16+whole_graph"]["class"], arms["bf16+whole_graph"]["rank"]) == ("coarser", 1)
    assert (arms["compile_step"]["status"], arms["compile_step"]["answer"]) == ("wrong", "different")
    assert arms["capturable"]["status"] == "unsupported"
    assert {name for name, each in arms.items() if each["rank"] is None} == {
        *("hidden_state", "dropout", "compile_step", "compile_loss", "capturable"),
    }
    assert race["examined"] == {
        "format": 1,
        "step": "my_step.py",
        "repeatable": True,
        "random": False,
        "float64": True,
        "findings": [{"code": "tied", "text": "2 parameters are one tensor", "advice": "Nothing is to be done"}],
        "rewrites": [
            {"name": each.name, "applies": each.applies, "reason": each.reason or None, "numerics": each.numerics}
            for each in EXAMINED.rewrites
        ],
    }
