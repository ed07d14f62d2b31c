"""The score of a series of sessions: counts and intervals, answers replayed from raw blocks, and how a series is resumed."""

from collections.abc import Generator, Sequence
from pathlib import Path

import pytest

from bench.results.gate import Margins
from bench.results.record import Arm
from bench.results.scores.gate import Answer, AtLevel, Method, Score
from bench.results.store import Store, StoreError, pretty
from bench.selfbench import gate_score, gate_session
from bench.selfbench.gate_score import OURS, Outcome, Trial
from bench.selfbench.gate_trial import TrialSetup
from bench.selfbench.other_gates import ONE_EACH, SAMPLINGS, ProcessRun, Sampling
from impls.contract.catalogue import workloads

ARM = Arm(workload="linear/line", implementation="linear/no_grad", setting=workloads()["linear/line"].setting())
MEAN, STORED = "pytest-benchmark, mean:10%", "stored baseline, 10 %"


def measured(sampling: Sampling, base: float, head: float) -> tuple[ProcessRun, ...]:
    """Processes of 5 s, in which the times of a side are equal to a thousandth."""
    seconds = {"base": base, "head": head}
    return tuple(
        ProcessRun(role=role, began=5.0 * place, seconds=5.0, blocks=(seconds[role], 1.001 * seconds[role]) * 9)
        for place, role in enumerate(sampling.order)
    )


def said(word: Answer) -> Outcome:
    """Rounds for which our gate gives this answer."""
    mean = {"slower": 0.1, "faster": -0.1, "passed": 0.0, "unresolved": 0.0}[word]
    spread = 0.5 if word == "unresolved" else 0.001
    return Outcome(margins=Margins(), rounds=(mean - spread, mean + spread) * 4, seconds=20.0)


def trial(session: int, base: float, head: float, ours: Answer = "passed") -> Trial:
    """A trial with known blocks."""
    return Trial(
        session=session,
        arm=ARM,
        level=0.0,
        started="2026-11-23T00:00:00+00:00",
        pace=base,
        turns={sampling.name: measured(sampling, base, head) for sampling in SAMPLINGS},
        ours=said(ours),
    )


def kept(target: Path, trials: Sequence[Trial]) -> None:
    """Writes a series of these trials, as its run leaves it."""
    list(gate_session.run_sessions(0, 10.0, target, implementations=[ARM.implementation]))
    for each in trials:
        Store(target).write(f"trials/{each.session:03d}/{each.arm.slug}-{each.level:.3f}.json", pretty(each))


def method(found: Score, name: str) -> Method:
    """The row of this name."""
    return next(each for each in found.methods if each.name == name)


def at(found: Score, name: str, level: float) -> AtLevel:
    """Its answers at a level."""
    return next(each for each in method(found, name).levels if each.level == level)


@pytest.mark.parametrize(
    ("count", "of", "low", "high"), [(0, 20, 0.0, 0.1684), (20, 20, 0.8316, 1.0), (1, 10, 0.0025, 0.4450)]
)
def test_intervals_are_those_of_the_tables(count: int, of: int, low: float, high: float) -> None:
    """Clopper and Pearson's; with none of n, the upper end is 1 - 0.025^(1/n)."""
    found = gate_score.share(count, of)
    assert found.low == pytest.approx(low, abs=1e-4)
    assert found.high == pytest.approx(high, abs=1e-4)


def test_each_method_is_counted_at_each_level(tmp_path: Path) -> None:
    """False alarms, catches, misses and wrong "faster" are counted for each method and slowdown."""
    kept(tmp_path, [trial(1, 1.0, 1.2, ours="faster"), trial(2, 1.0, 1.0), trial(3, 1.0, 1.06, ours="unresolved")])
    found = gate_score.score(tmp_path)
    assert (found.sessions, found.trials, found.budget) == (3, 3, 10.0)
    assert [each.level for each in found.methods[0].levels] == [0.0, 0.01, 0.02, 0.05, 0.1]
    assert found.methods[0].name == OURS
    ours = at(found, OURS, 0.0)
    assert (ours.slower.count, ours.slower.of, ours.faster, ours.unresolved, ours.passed) == (0, 3, 1, 1, 1)
    assert at(found, OURS, 0.05).slower.count == 1
    assert (method(found, OURS).faster.count, method(found, OURS).faster.of) == (4, 15)
    alarms, caught = at(found, MEAN, 0.0), at(found, MEAN, 0.05)
    assert (alarms.slower.count, alarms.passed, caught.slower.count, caught.passed) == (1, 2, 2, 1)
    assert (method(found, MEAN).seconds, method(found, MEAN).faster.count) == (10.0, 0)


def test_our_time_is_that_of_the_rounds_that_were_needed() -> None:
    """Eight rounds in 20 s: without a change the first four decide, with one all of them."""
    rounds = said("slower")
    still = rounds.slower(-0.0954)  # ln of it is -0.1003
    assert (rounds.answer, rounds.spent) == ("slower", 20.0)
    assert (still.answer, still.spent) == ("passed", 10.0)


def test_a_stored_baseline_is_that_of_the_session_before(tmp_path: Path) -> None:
    """The first session has none; in the second the machine is a fifth slower, and that alone raises the alarm."""
    kept(tmp_path, [trial(1, 1.0, 1.0), trial(2, 1.2, 1.2), trial(3, 1.2, 1.2)])
    found = gate_score.score(tmp_path)
    assert (at(found, STORED, 0.0).slower.count, at(found, STORED, 0.0).slower.of) == (1, 2)
    assert at(found, MEAN, 0.0).slower.count == 0


def test_a_sampling_that_was_not_taken_has_no_methods(tmp_path: Path) -> None:
    """A series may leave one out; the others are scored."""
    whole = trial(1, 1.0, 1.0)
    some = {ONE_EACH.name: whole.turns[ONE_EACH.name]}
    kept(tmp_path, [Trial(**{name: getattr(whole, name) for name in whole.__struct_fields__} | {"turns": some})])
    names = [each.name for each in gate_score.score(tmp_path).methods]
    assert names == [OURS, MEAN, "pytest-benchmark, min:5%"]


def test_a_series_is_resumed_with_what_is_missing(tmp_path: Path) -> None:
    """Every trial but one is there: that one is begun; when it is there too, nothing is left to do."""

    def steps() -> Generator[str, None, None]:
        return gate_session.run_sessions(2, 10.0, tmp_path, levels=(0.0, 0.05), implementations=[ARM.implementation])

    next(every := steps())
    every.close()
    for session, level in ((1, 0.0), (1, 0.05), (2, 0.0)):
        name = f"trials/{session:03d}/{ARM.slug}-{level:.3f}.json"
        Store(tmp_path).write(name, pretty(trial(session, 1.0, 1.0)))
    first = next(left := steps())
    left.close()
    assert first.startswith(f"session 2 of 2, {ARM.name}, 5%")
    Store(tmp_path).write(f"trials/002/{ARM.slug}-0.050.json", pretty(trial(2, 1.0, 1.0)))
    assert list(steps()) == []


def test_another_series_is_not_mixed_in(tmp_path: Path) -> None:
    """Another budget would not be an equal one."""
    list(gate_session.run_sessions(0, 10.0, tmp_path))
    with pytest.raises(StoreError, match="another budget: continue"):
        list(gate_session.run_sessions(0, 20.0, tmp_path))


def test_an_empty_series_has_no_score(tmp_path: Path) -> None:
    """It says so."""
    kept(tmp_path, [])
    with pytest.raises(StoreError, match="has no trial yet"):
        gate_score.score(tmp_path)


def test_a_planted_slowdown_is_there_and_is_scored(tmp_path: Path) -> None:
    """A whole trial in real processes: of 20 % slower at least 5 % is measured, and our gate's outcome is kept."""
    asked = []

    def ours(setup: TrialSetup) -> Outcome:
        asked.append((setup.arm.implementation, setup.budget, setup.sides["head"] / "impls"))
        assert "0.2 * (end - begin)" in (asked[-1][2] / f"{ARM.implementation}.py").read_text("utf-8")
        return said("slower")

    short = {"levels": (0.2,), "implementations": [ARM.implementation], "samplings": (ONE_EACH,)}
    list(gate_session.run_sessions(1, 0.2, tmp_path, ours, **short))  # type: ignore[arg-type]
    assert not asked[0][2].exists()  # temporary folders are removed
    (found,) = gate_score.trials(tmp_path)
    assert [(implementation, budget, folder.name) for implementation, budget, folder in asked] == [
        (ARM.implementation, 0.2, "impls")
    ]
    assert found.pace > 0
    assert [(turn.role, len(turn.blocks) >= 2) for turn in found.turns[ONE_EACH.name]] == [
        ("base", True),
        ("head", True),
    ]
    base, head = found.turns[ONE_EACH.name]
    assert head.began >= base.began + base.seconds
    assert at(gate_score.score(tmp_path), OURS, 0.0).slower.count == 1
