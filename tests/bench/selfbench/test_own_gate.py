"""Our gate as one of those that a sitting asks: real processes, real folders, a slowdown that is really there."""

from pathlib import Path

import pytest

from bench.results.gate import Role
from bench.results.record import Arm
from bench.runner.worker_process import ArmFault, allowed_cores
from bench.selfbench import inject_slowdown
from bench.selfbench.gate_trial import Match
from bench.selfbench.own_gate import entrant
from impls.contract.catalogue import workloads

ARM = Arm(
    workload="linear/line", implementation="linear/in_place", setting=workloads()["linear/line"].setting(rows=20_000)
)


@pytest.fixture
def match(tmp_path: Path) -> Match:
    """The checkout against itself, with a minute to compare them in."""
    sides: dict[Role, Path] = {
        "base": inject_slowdown.side(tmp_path / "base"),
        "head": inject_slowdown.side(tmp_path / "head"),
    }
    return Match(
        arm=ARM,
        sides=sides,
        instrument=inject_slowdown.instrument(tmp_path / "instrument"),
        scratch=tmp_path / "scratch",
        budget=90.0,
        seed="any",
        cores=allowed_cores()[-1:],
        everywhere=allowed_cores(),
    )


def test_a_planted_slowdown_is_called_slower_twice(match: Match) -> None:
    """Each update takes twice as long: screened and confirmed in rounds of their own."""
    inject_slowdown.plant(match.sides["head"], ARM.implementation, 1.0)
    found = entrant()(match)
    assert (found.said, found.decision.word) == ("slower", "regressed")
    assert len(found.rounds) >= 8
    assert 0 < found.seconds


def test_without_time_nothing_is_decided(match: Match) -> None:
    """One round is raced whatever the budget; it decides nothing."""
    short = Match(**{**vars(match), "budget": 0.1})
    found = entrant()(short)
    assert (found.said, len(found.rounds)) == ("unresolved", 1)


def test_an_arm_that_ends_is_no_answer(match: Match) -> None:
    """The side and the reason are named, so that the sitting can be gone on with."""
    path = match.sides["head"] / "impls" / f"{ARM.implementation}.py"
    path.write_text(
        path.read_text("utf-8").replace(
            "def advance(self, updates: int) -> None:\n",
            "def advance(self, updates: int) -> None:\n        raise ValueError('planted')\n",
        ),
        encoding="utf-8",
    )
    with pytest.raises(ArmFault, match=r"head.*planted"):
        entrant()(match)
