"""Calibration of the gate: what it counts in trials whose rounds are known, and what it resamples from them."""

import math
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.results.gate import Margins
from bench.results.record import Arm
from bench.results.store import Store, pretty
from bench.selfbench import gate_calibration, gate_session
from bench.selfbench.figure import Figure
from bench.selfbench.gate_calibration import NARROW, NO_CHANGE, SLOWED, Part
from bench.selfbench.gate_score import Outcome, Trial
from impls.contract.catalogue import workloads

ARM = Arm(workload="linear/line", implementation="linear/no_grad", setting=workloads()["linear/line"].setting())
STILL, SLOWER, TORN = (-0.01, 0.01) * 2, (0.09, 0.11) * 2, (-0.5, 0.5) * 2
QUIET = tuple(0.001 * (-1) ** place * (place % 5) for place in range(20))


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of the usual number of resampled cells: these rounds leave no doubt."""
    monkeypatch.setattr(gate_calibration, "REPLAYS", 400)


def outcome(screen: Sequence[float], confirm: Sequence[float] = (), margins: Margins | None = None) -> Outcome:
    """A trial of 12 s."""
    return Outcome(margins=margins or Margins(), rounds=(*screen, *confirm), seconds=12.0)


def kept(target: Path, part: Part, found: Sequence[Outcome]) -> None:
    """Writes a part of a calibration, a session for each outcome."""
    nothing = gate_session.run_sessions(
        0, gate_calibration.MOST_SECONDS, target / part.folder, levels=(part.level,), samplings=()
    )
    list(nothing)
    for session, each in enumerate(found, 1):
        trial = Trial(session=session, arm=ARM, level=part.level, started="", pace=0.0, turns={}, ours=each)
        Store(target / part.folder).write(f"trials/{session:03d}/{ARM.slug}-{part.level:.3f}.json", pretty(trial))


def test_each_word_is_counted_where_nothing_changed() -> None:
    """One of each; a flag that fresh rounds do not confirm is counted as a flag and not as a regression."""
    found = [
        outcome((0.0, 0.001, -0.001, 0.0)),
        outcome(SLOWER, SLOWER),
        outcome(SLOWER, (0.0, 0.001, -0.001, 0.0)),
        outcome(TORN),
        outcome((-0.1, -0.101, -0.1, -0.101)),
    ]
    counts = {each.name: (each.count, each.of) for each in gate_calibration.without_change(found)}
    assert counts == {
        "called a regression": (1, 5),
        "flagged before confirmation": (2, 5),
        "called faster": (1, 5),
        "unresolved": (1, 5),
        "interval holds the truth": (3, 5),
    }


def test_a_share_is_told_with_its_interval() -> None:
    """Exact and binomial: of 300 without one, at most 1.22 %."""
    assert gate_calibration.Share("called", 0, 300).text == "0 of 300 (0.00%; 0.00% to 1.22%)"


@pytest.mark.parametrize(
    ("slowdown", "margins", "caught"), [(0.05, Margins(), 1.0), (0.0, Margins(), 0.0), (0.02, NARROW, 1.0)]
)
def test_a_slowdown_is_put_into_rounds_without_one(slowdown: float, margins: Margins, caught: float) -> None:
    """Rounds with a deviation of a quarter of a percent show 5 % and 2 % always, and nothing never."""
    regressed, held, rounds = gate_calibration.replayed([outcome(QUIET)], slowdown, margins)
    assert regressed.count == caught * regressed.of
    assert held.count >= 0.9 * held.of
    assert (4 if not slowdown else 8) <= rounds <= 12


def test_what_is_put_in_is_a_factor_of_time() -> None:
    """5 % more time is ln 1.05 in the value of a round: with margins just below it is caught, just above never."""
    still = [outcome((0.0,) * 8)]
    assert gate_calibration.replayed(still, 0.05, Margins(gate=0.0499, floor=0.01))[0].count == gate_calibration.REPLAYS
    assert gate_calibration.replayed(still, 0.05, Margins(gate=0.0501, floor=0.01))[0].count == 0


def test_promises_are_told_as_kept_or_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All trials there are: nothing is raced; one that was slower breaks two promises."""
    monkeypatch.setattr(gate_calibration, "calibrate", lambda sessions, target: iter(()))
    kept(tmp_path, NO_CHANGE, [outcome(QUIET)] * 20 + [outcome(SLOWER, SLOWER)])
    for part in SLOWED:
        slower = [math.log1p(part.level) + each for each in QUIET]
        kept(tmp_path, part, [outcome(slower, slower, part.margins)] * 3)
    figures = [each for each in gate_calibration.figures(1, tmp_path) if isinstance(each, Figure)]
    broken = {each.name for each in figures if not each.kept}
    assert broken == {"no change, called a regression", "no change, flagged before confirmation"}
    assert any(each.said.startswith("3 of 3") for each in figures)
