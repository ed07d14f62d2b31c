"""Numbers and names that no run writes are refused where they are read, in words, for they would end a report."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from bench.results import impossible
from bench.results.record import Judgement, Plan, Record
from tests.reports.records import MANUAL, plan, race, record

RECORD = record(MANUAL, 1, 2e-4)
PLAN = plan(race(MANUAL))
JUDGED = Judgement(when="first update", updates=1, loss=1.0, distance=1.0, tolerance=1.0)


def test_what_looprace_writes_is_possible() -> None:
    """A record with everything in it, and one of an arm that was not measured; a plan."""
    assert impossible.record(RECORD) == impossible.record(record(MANUAL, 2, None, status="failed")) == ""
    assert impossible.plan(PLAN) == ""


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"blocks": (5e-324, *RECORD.blocks[1:])}, "not positive times"),
        ({"blocks": tuple(1.7e308 for _ in RECORD.blocks)}, "not positive times"),
        ({"blocks": RECORD.blocks[1:]}, "one for each lap"),
        ({"device_blocks": (1.0,)}, "one for each lap"),
        ({"import_seconds": 1.7e308}, "longer than anything takes"),
        ({"first_seconds": -1.0}, "negative"),
        ({"spent": {"start": float("nan")}}, "negative"),
        ({"round": 2**70}, "too large"),
        ({"updates_per_block": 2**70}, "too large"),
        ({"judgements": (replace(JUDGED, tolerance=5e-324),)}, "to compute with"),
        ({"judgements": (replace(JUDGED, distance=1.7e308),)}, "to compute with"),
    ],
)
def test_a_record_that_cannot_be_true_is_told_by_what_is_wrong(change: dict[str, Any], reason: str) -> None:
    """Each of these ended a report with a traceback."""
    changed: Record = replace(RECORD, **change)
    assert reason in impossible.record(changed)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"races": (replace(PLAN.races[0], arms=()),)}, "no arms"),
        ({"races": (race(replace(MANUAL, implementation="x" * 5000)),)}, "characters"),
        ({"races": (race(replace(MANUAL, implementation="../../../x/secret")),)}, "path"),
        ({"races": (race(replace(MANUAL, implementation="/etc/passwd")),)}, "path"),
        ({"swept": "device"}, "no size"),
        ({"swept": "__class__"}, "no size"),
        ({"rounds": (0, 10)}, "rounds"),
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_told_by_what_is_wrong(change: dict[str, Any], reason: str) -> None:
    """Each of these ended a report, or a run that was resumed, with a traceback; or had it write elsewhere."""
    changed: Plan = replace(PLAN, **change)
    assert reason in impossible.plan(changed)


@pytest.mark.parametrize(
    "environment",
    [
        {"machine": None},
        {"machine": {"processor": None}},
        {"machine": {"gpus": [{}]}},
        {"packages": ["torch"]},
        {"revision": 3},
        {"system": 3},
    ],
)
def test_an_environment_of_another_shape_is_refused(environment: dict[str, Any]) -> None:
    """Reports look into these parts."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(environment, type=impossible.Environment)
