"""What is said to somebody who has ten seconds."""

from dataclasses import replace

import pytest

from bench.results.record import Caveat
from bench.results.statistics import Estimate
from reports.html import banners
from reports.run.report import RaceResult, report_of
from tests.reports.records import ENVIRONMENT, MANUAL, REFERENCE, WRONG, arm, compared, plan, race, rounds

DOUBT = Caveat(code="busy", text="it was busy", advice="wait")


def with_twin(twin: Estimate | None) -> RaceResult:
    """A race whose reference came out so against itself."""
    result = compared({MANUAL: 2e-4}).races[0]
    return replace(result, twin=twin, warnings=())


@pytest.mark.parametrize(
    ("twin", "doubts", "word", "kind"),
    [
        (Estimate(1.001, 0.99, 1.012, 5), (), "The machine was steady", "good"),
        (Estimate(1.001, 0.99, 1.012, 5), (DOUBT,), "Steady, with warnings", "careful"),
        (Estimate(1.0, 0.9, 1.11, 5), (), "The machine was restless", "careful"),
        (Estimate(1.06, 1.03, 1.09, 5), (), "The machine was not steady", "bad"),
        (Estimate(1.01, 1.005, 1.015, 5), (), "The machine was steady", "good"),
        (Estimate(1.3, None, None, 1), (), "Stability unknown", "careful"),
        (None, (DOUBT,), "Stability unknown", "careful"),
    ],
)
def test_the_twin_says_whether_the_machine_was_steady(
    twin: Estimate | None, doubts: tuple[Caveat, ...], word: str, kind: str
) -> None:
    """Identical code that came out apart is bad; apart by less than matters is steady; unknown is never called steady."""
    found = banners.of_machine([with_twin(twin)], doubts)
    assert (found.word, found.kind, found.doubts) == (word, kind, doubts)


def test_the_worst_race_speaks_for_all() -> None:
    """Of several races the one in which identical code differed most is told."""
    steady, off = Estimate(1.0, 0.99, 1.01, 5), Estimate(0.9, 0.88, 0.92, 5)
    found = banners.of_machine([with_twin(steady), with_twin(off)], ())
    assert found.kind == "bad"
    assert "(-12.0 % to -8.0 %), in the least steady of 2 races" in found.text


def test_every_kind_has_a_sign_of_its_own() -> None:
    """Who cannot tell colours can tell the kinds."""
    assert len(set(banners.GLYPHS.values())) == len(banners.GLYPHS) == 3


def test_wrong_answers_are_named() -> None:
    """One wrong arm makes the banner bad; none makes it good; no answers make it neither."""
    wrong = rounds(arm("linear/numpy"), 1e-5, status="wrong", reason="off", judgement=WRONG)
    assert banners.of_answers(compared({}, *wrong).races[0].rows).kind == "bad"
    assert banners.of_answers(compared({MANUAL: 2e-4}).races[0].rows).kind == "good"
    assert banners.of_answers(report_of(plan(race(MANUAL)), {}, []).races[0].rows).kind == "careful"


def test_the_interval_is_said_more_quietly() -> None:
    """The headline is the finding, cut before its interval."""
    loud, quiet = banners.headline(compared({MANUAL: 2e-4}))
    assert loud.endswith("times as fast as linear/nn_sgd cpu eager")
    assert quiet.startswith("(95 % interval ")


def test_what_the_banners_say_is_not_said_twice() -> None:
    """Headline, answers and twin are left out of the other findings."""
    comparison = compared({MANUAL: 2e-4, arm("linear/c"): 1e-4})
    assert len(comparison.races[0].findings) > 2
    said = banners.more(comparison)
    assert [] == [each for each in said if each.startswith(("Fastest", "All ", "The reference raced"))]
    assert len(said) == len(comparison.races[0].findings) - 3


def test_several_races_without_a_winner() -> None:
    """Where nothing was faster in any race, that is the headline."""
    races = [race(twin=None), race(reference=arm("linear/nn_sgd", "reference", batch=256), twin=None)]
    records = [each for one in races for each in rounds(one.reference, 4e-4)]
    found = banners.headline(report_of(plan(*races), ENVIRONMENT, records))
    assert found[0] == "No arm is known to be faster than the reference in any of 2 races."
    assert REFERENCE in races[0].arms
