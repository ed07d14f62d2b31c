"""The JSON document of a gate: its fields are a promise."""

import json

import pytest

from reports.gate.json_document import document
from tests.reports.gate import verdicts
from tests.reports.gate.verdicts import KINDS, report


def test_it_has_what_the_design_promises() -> None:
    """The fields of a gate, of a cell and of a counter, with the numbers that were found."""
    found = document(report("regressed"))
    assert {"format", "verdict", "base", "head", "cells", "controls", "smallest_detectable"} <= found.keys()
    first = found["cells"][0]
    assert first["arm"] == "linear/line linear/manual cpu eager"
    assert (first["verdict"], first["stops"], first["rounds"]) == ("regressed", True, 12)
    assert (first["change"], first["low"], first["high"]) == pytest.approx((0.073, 0.0505, 0.0955))
    assert (first["minutes_to_resolve"], first["counters"], first["gate"], first["floor"]) == (None, {}, 0.03, 0.01)
    assert (found["verdict"], found["status"], found["complete"]) == ("regressed", 1, True)
    assert found["base"]["commit"] == verdicts.BASE.commit
    assert found["controls"]["names"] == list(verdicts.QUIET.names)
    assert (found["controls"]["change"], found["controls"]["vetoes"]) == (0.001, False)
    assert (found["smallest_detectable"], found["family_error"]) == (0.024, 0.005)


def test_counters_are_all_there() -> None:
    """Counters that are the same on both sides are included."""
    (broken,) = [cell for cell in document(report())["cells"] if "compiled_forward" in cell["arm"]]
    assert broken["counters"] == {
        "graph_breaks": {"base": 0, "head": 1, "bad": True},
        "operations": {"base": 412, "head": 412, "bad": False},
    }


def test_no_arm_is_left_out() -> None:
    """What a table leaves out stands in the document, each arm once."""
    names = [cell["arm"] for cell in document(report())["cells"]]
    assert len(set(names)) == len(names) == len(verdicts.EVERYTHING)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_strict_json(kind: str) -> None:
    """The document holds only values that JSON has."""
    found = document(report(kind))
    assert json.loads(json.dumps(found, allow_nan=False)) == found


@pytest.mark.parametrize("text", verdicts.HOSTILE.values(), ids=verdicts.HOSTILE)
def test_what_is_not_finite_is_null(text: str) -> None:
    """Numbers that are not finite are null, and texts of every kind are kept whole."""
    found = document(verdicts.hostile(text))
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["cells"][0]["reason"] == f"{text}: {text}"
    (open_,) = [cell for cell in found["cells"] if cell["verdict"] == "unresolved"]
    assert (open_["change"], open_["minutes_to_resolve"]) == (None, None)
