"""Our gate in a trial: real processes, real folders, and a slowdown that is really there."""

from pathlib import Path

import pytest

from bench.processes.worker_process import ArmFault, allowed_cores
from bench.results.gate import Role
from bench.results.record import Arm
from bench.selfbench import inject_slowdown
from bench.selfbench.gate_trial import TrialSetup
from bench.selfbench.own_gate import own_gate
from impls.contract.catalogue import workloads

pytestmark = pytest.mark.usefixtures("forked_workers")
ARM = Arm(
    workload="linear/line",
    implementation="linear/in_place",
    setting=workloads()["linear/line"].setting(rows=20_000, updates=1000),
)


@pytest.fixture
def setup(tmp_path: Path) -> TrialSetup:
    """The checkout against itself, with a minute to compare them in."""
    sides: dict[Role, Path] = {
        "base": inject_slowdown.side(tmp_path / "base"),
        "head": inject_slowdown.side(tmp_path / "head"),
    }
    return TrialSetup(
        arm=ARM,
        sides=sides,
        instrument=inject_slowdown.instrument(tmp_path / "instrument"),
        scratch=tmp_path / "scratch",
        budget=90.0,
        seed="any",
        cores=allowed_cores()[-1:],
        everywhere=allowed_cores(),
    )


def test_a_planted_slowdown_is_called_slower_twice(setup: TrialSetup) -> None:
    """Each update takes twice as long: screened and confirmed in rounds of their own."""
    inject_slowdown.inject(setup.sides["head"], ARM.implementation, 1.0)
    outcome = own_gate()(setup)
    assert (outcome.answer, outcome.decision.word) == ("slower", "regressed")
    assert len(outcome.rounds) >= 8
    assert 0 < outcome.seconds


def test_without_time_nothing_is_decided(setup: TrialSetup) -> None:
    """One round is raced whatever the budget; it decides nothing."""
    short = TrialSetup(**{**vars(setup), "budget": 0.1})
    outcome = own_gate()(short)
    assert (outcome.answer, len(outcome.rounds)) == ("unresolved", 1)


def test_an_arm_that_ends_is_no_answer(setup: TrialSetup) -> None:
    """The side and the reason are named, so that the series can be resumed."""
    path = setup.sides["head"] / "impls" / f"{ARM.implementation}.py"
    path.write_text(
        path.read_text("utf-8").replace(
            "def advance(self, updates: int) -> None:\n",
            "def advance(self, updates: int) -> None:\n        raise ValueError('planted')\n",
        ),
        encoding="utf-8",
    )
    with pytest.raises(ArmFault, match=r"head.*planted"):
        own_gate()(setup)
