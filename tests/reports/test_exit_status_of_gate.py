"""The exit status of a gate: what CI acts on."""

from typing import get_args

import pytest

from bench.results.gate import Whole
from reports.exit_status import Exit, status_of_gate
from tests.reports.gate.verdicts import KINDS, gate, of

STATUS = {
    "regressed": 1,
    "by a counter": 1,
    "everything": 1,
    "wrong": 3,
    "failed": 4,
    "nothing decided": 5,
    "veto": 5,
    "missing": 5,
    "empty": 5,
    "ok": 0,
    "unresolved": 0,
    "nothing to race": 0,
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_outcome_has_its_status(kind: str) -> None:
    """A regression stops the merge, what could not be measured is no success, and what is not decided stops nothing."""
    assert int(status_of_gate(gate(kind))) == STATUS[kind]


def test_no_outcome_is_without_a_status() -> None:
    """Every word that a gate can end with has one."""
    assert {word: status_of_gate(of(word)) for word in get_args(Whole)}.keys() == set(get_args(Whole))
    assert all(isinstance(status_of_gate(of(word)), Exit) for word in get_args(Whole))
