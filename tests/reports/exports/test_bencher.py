"""The export for Bencher, held against its published schema and the limits in its source: it has no reader in Python."""

from typing import Annotated

import msgspec
import pytest
from msgspec.structs import replace

from bench.results.record import Record
from reports.exports.bencher import export
from reports.run.report import RunReport, report_of
from tests.reports.records import (
    ANALYTIC,
    ENVIRONMENT,
    FLOOR,
    MANUAL,
    REFERENCE,
    RIGHT,
    WRONG,
    compared,
    plan,
    race,
    record,
    rounds,
)


class Metric(msgspec.Struct, forbid_unknown_fields=True):
    """Bencher's JsonNewMetric; a bound is a number or absent."""

    value: float
    lower_value: float | msgspec.UnsetType = msgspec.UNSET
    upper_value: float | msgspec.UnsetType = msgspec.UNSET


Name = Annotated[str, msgspec.Meta(min_length=1)]
Slug = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern="^[a-z0-9]+(-[a-z0-9]+)*$")]


def exported(comparison: RunReport) -> dict[str, dict[str, Metric]]:
    """The export as Bencher's JSON adapter reads it."""
    found = msgspec.json.decode(export(comparison), type=dict[Name, dict[Slug, Metric]])
    assert [] == [name for name in found if len(name.encode()) > 1024]
    return found


def raced(*more: Record) -> RunReport:
    """A race of the reference and a right arm, a floor, a wrong arm and more."""
    floor = rounds(FLOOR, 1e-5, work="floor", judgement=None)
    wrong = rounds(ANALYTIC, 1e-5, status="wrong", reason="off", judgement=WRONG)
    return compared({MANUAL: 2e-4}, *floor, *wrong, *more)


def test_every_ranked_arm_has_its_measures() -> None:
    """Ranked arms have latency, ratio, loss, cold start and peak memory; the reference has no ratio to itself."""
    found = exported(raced())
    measures = {"latency", "loss", "cold-start-seconds", "peak-memory-bytes"}
    assert {name: set(each) for name, each in found.items()} == {
        MANUAL.key: measures | {"ratio"},
        REFERENCE.key: measures,
    }


def test_latency_is_in_nanoseconds_within_its_interval() -> None:
    """Bencher's own measure `latency` is in nanoseconds; the interval is its bounds."""
    comparison = raced()
    row = next(row for row in comparison.races[0].rows if row.arm == MANUAL)
    assert row.seconds is not None
    latency = exported(comparison)[MANUAL.key]["latency"]
    assert latency.value == pytest.approx(row.seconds.value * 1e9)
    assert (latency.lower_value, latency.upper_value) == pytest.approx(
        ((row.seconds.low or 0) * 1e9, (row.seconds.high or 0) * 1e9)
    )


def test_the_other_measures_are_those_of_the_report() -> None:
    """Loss, cold start and peak memory are what every report shows, in the unit of their name."""
    found = exported(raced())[MANUAL.key]
    assert found["loss"] == Metric(value=RIGHT.loss or 0)
    assert found["cold-start-seconds"] == Metric(value=1.75)
    assert found["peak-memory-bytes"] == Metric(value=300 * 2**20)
    assert found["ratio"].value == pytest.approx(0.5, rel=0.05)


def test_a_cold_start_in_a_crowd_is_not_a_measure() -> None:
    """A cold start that was measured while other arms started says nothing about the arm, and is left out."""
    crowded = rounds(replace(MANUAL, implementation="linear/numpy"), 2e-4, alone=False)
    found = exported(raced(*crowded))
    assert "cold-start-seconds" not in found[crowded[0].arm.key]


def test_what_is_not_finite_is_left_out() -> None:
    """A loss that is not a number is no measure, and the others stay."""
    odd = rounds(replace(MANUAL, implementation="linear/numpy"), 2e-4, judgement=replace(RIGHT, loss=float("nan")))
    found = exported(raced(*odd))[odd[0].arm.key]
    assert "loss" not in found
    assert "latency" in found


def test_long_names_are_cut_and_stay_apart() -> None:
    """Names of more than 1024 bytes are cut to what Bencher takes, and two that differ only behind the cut stay two."""
    long = [replace(MANUAL, implementation=f"linear/{'é' * 800}{ending}") for ending in "ab"]
    records = [*rounds(REFERENCE, 4e-4), *(each for one in long for each in rounds(one, 2e-4))]
    assert len(exported(report_of(plan(race(*long, twin=None)), ENVIRONMENT, records))) == 3


def test_one_round_has_no_bounds() -> None:
    """Without an interval a value stands alone."""
    latency = exported(compared({}, record(MANUAL, 1, 2e-4)))[MANUAL.key]["latency"]
    assert (latency.lower_value, latency.upper_value) == (msgspec.UNSET, msgspec.UNSET)
