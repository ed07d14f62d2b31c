"""The phases of an update beside the whole, on made-up rounds whose true change is known."""

from collections.abc import Mapping
from math import sqrt

import numpy as np
import pytest
from msgspec.structs import replace

from bench.gate.rule import phases
from bench.gate.rule.alpha_spending import looks, spent
from bench.gate.rule.verdict import standing, verdict
from bench.results.gate import CellVerdict, PairedRound
from tests.bench.gate.samples import LAPS, SECONDS, Machine, cell, controls, plan

PARTS = {"data": 0.001, "forward": 0.3, "backward": 0.6, "optimizer": 0.1}


def raced(seed: int, changes: Mapping[str, float]) -> tuple[CellVerdict, int]:
    """The verdict on an arm whose phases change so, and the rounds that it took."""
    of, machine, done = replace(cell(), phased=True), Machine(seed), list[PairedRound]()
    whole = sum(PARTS[name] * change for name, change in changes.items() if name != "data")
    while (stage := standing(of, done, 20).next) is not None:
        number = 1 + sum(each.stage == stage for each in done)
        one = machine.round(of, stage, number, whole)
        of_phases = {}
        for name, share in PARTS.items():
            base, head = share * SECONDS * np.exp(machine.noise.normal(0, 0.02, (2, LAPS)))
            head *= (1 + changes.get(name, 0.0)) * np.exp(machine.noise.normal(0, 0.01))
            of_phases[name] = {"base": tuple(map(float, base)), "head": tuple(map(float, head))}
        done.append(replace(one, phases=of_phases))
    beside = dict(controls(Machine(7)))
    by_slug = {each.slug: rounds for each, rounds in beside.items()} | {of.slug: done}
    return verdict(plan(of, *beside), by_slug, {}).cells[0], len(done)


def test_ten_percent_of_a_tenth_are_named_with_their_phase() -> None:
    """The whole is 1 % slower, which nobody stops; its optimizer is 10 % slower, which is proved twice."""
    found, _ = raced(1, {"optimizer": 0.10})
    assert (found.word, found.stops, found.timed) == ("regressed", True, False)
    assert [(reason.cause, reason.what) for reason in found.reasons] == [("phase", "optimizer")]
    words = {name: phase.word for name, phase in found.phases.items()}
    assert words == {"data": "small", "forward": "ok", "backward": "ok", "optimizer": "regressed"}


def test_unchanged_phases_are_ok_and_cost_no_endless_rounds() -> None:
    """Without a change every phase that is large enough comes out ok."""
    found, rounds = raced(2, {})
    assert found.word == "ok"
    assert {phase.word for name, phase in found.phases.items() if name != "data"} == {"ok"}
    assert rounds <= 20


def test_work_moved_from_one_phase_to_another_stops_nothing() -> None:
    """An update that is faster as a whole may have a slower phase, which is told."""
    found, _ = raced(3, {"optimizer": 0.20, "backward": -0.20})
    assert (found.word, found.stops, found.phases["optimizer"].word) == ("improved", False, "regressed")


def test_all_questions_about_an_arm_have_the_false_alarms_of_one() -> None:
    """The shares of whole and phases are 1; a regression needs two stages, whose probabilities are multiplied."""
    parts = [phases.WHOLE, *[phases.EACH] * phases.MOST_PHASES]
    assert sum(parts) == 1
    for rounds in looks(40):
        one = spent("regressed", rounds) ** 2
        assert sum(spent("regressed", rounds, share) ** 2 for share in parts) == pytest.approx(one)
        assert spent("regressed", rounds, 0.25) == pytest.approx(spent("regressed", rounds) * sqrt(0.25))
        assert spent("ok", rounds, 0.25) == spent("ok", rounds)
