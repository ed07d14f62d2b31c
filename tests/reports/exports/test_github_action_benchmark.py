"""The export for github-action-benchmark, held against the schema its source parses: the action runs on GitHub only."""

import json
import re
from typing import Annotated

import msgspec
import pytest

from reports.exports.github_action_benchmark import export
from tests.reports.records import ANALYTIC, FLOOR, MANUAL, REFERENCE, WRONG, compared, record, rounds


class Entry(msgspec.Struct, forbid_unknown_fields=True):
    """What `BenchmarkResult` in the action's src/extract.ts says; null is no string, and no number, to a strict reader."""

    name: Annotated[str, msgspec.Meta(min_length=1)]
    unit: Annotated[str, msgspec.Meta(min_length=1)]
    value: Annotated[float, msgspec.Meta(gt=0)]
    range: str | msgspec.UnsetType = msgspec.UNSET
    extra: str | msgspec.UnsetType = msgspec.UNSET


def exported(speed: float = 2e-4) -> list[Entry]:
    """The entries of a race of the reference, a right arm, a floor, a wrong arm and one that failed."""
    comparison = compared(
        {MANUAL: speed},
        *rounds(FLOOR, 1e-5, work="floor", judgement=None),
        *rounds(ANALYTIC, 1e-5, status="wrong", reason="off", judgement=WRONG),
        record(msgspec.structs.replace(MANUAL, implementation="linear/numpy"), 1, None, status="failed"),
    )
    return msgspec.json.decode(export(comparison), type=list[Entry])


def test_every_ranked_arm_is_an_entry() -> None:
    """One entry a ranked arm, by its label: not the twin, floors, or arms that are wrong or failed."""
    assert {entry.name for entry in exported()} == {REFERENCE.key, MANUAL.key}


def test_the_unit_never_changes() -> None:
    """An arm that becomes a million times slower keeps its unit, so that the points of its chart stay on one scale."""
    fast, slow = ({entry.name: entry for entry in exported(speed)}[MANUAL.key] for speed in (2e-7, 0.2))
    assert fast.unit == slow.unit == "ns/update"
    assert fast.value == pytest.approx(200, rel=0.5)
    assert slow.value == pytest.approx(2e8, rel=0.5)


def test_range_and_extra_say_how_sure_it_is() -> None:
    """The range is half the interval, in percent; the tooltip has the ratio to the reference, the loss and the rounds."""
    found = {entry.name: entry for entry in exported()}
    assert re.fullmatch(r"± \d+(\.\d+)? %", str(found[MANUAL.key].range))
    ratio, *others = str(found[MANUAL.key].extra).splitlines()
    assert re.fullmatch(r"ratio to linear/nn_sgd cpu eager: 0\.\d+ ± 0\.\d+", ratio)
    assert others == ["final loss: 0.123457", "rounds: 5"]
    assert found[REFERENCE.key].extra == "final loss: 0.123457\nrounds: 5"


def test_one_round_has_no_range() -> None:
    """Without an interval there is no range, rather than a null."""
    alone = record(MANUAL, 1, 2e-4)
    comparison = compared({}, alone)
    entry = next(entry for entry in json.loads(export(comparison)) if entry["name"] == MANUAL.key)
    assert "range" not in entry
