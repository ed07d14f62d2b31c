"""What the referee saw of an arm: its worst answer counts, and only the weights of a line have a place."""

import math

import pytest
from msgspec.structs import replace

from bench.results.record import Judgement, Weights
from reports.run.verified_weights import VerifiedArm, verified_arms
from tests.reports.records import MANUAL, REFERENCE, RIGHT, WRONG, compared, record

LINE: Weights = {"weight": [0.9], "bias": 0.5}


def seen(*judgements: Judgement, weights: Weights | None = None) -> VerifiedArm:
    """What is made of one arm that was judged so."""
    told = replace(record(MANUAL, 1, 3e-4, weights=weights), judgements=judgements)
    comparison = compared({}, told)
    return next(each for each in verified_arms(comparison.races[0]) if each.arm == MANUAL)


def test_the_worst_answer_counts() -> None:
    """In units of what rounding explains, whatever the other answers were."""
    assert seen(replace(RIGHT, distance=2e-5), replace(RIGHT, distance=5e-5)).worst == pytest.approx(0.5)
    assert not seen(RIGHT).wrong
    assert seen(RIGHT, WRONG).wrong
    assert seen(RIGHT, WRONG).worst == pytest.approx(3_000)
    assert seen(RIGHT, WRONG).excess == "3 000 times what rounding explains"


@pytest.mark.parametrize("distance", [None, math.inf, math.nan])
def test_what_is_no_number_is_infinitely_far_off(distance: float | None) -> None:
    """Nothing finite stands for it."""
    found = seen(replace(WRONG, distance=distance))
    assert found.worst == math.inf
    assert found.excess == "no numbers"


def test_an_exact_answer_is_no_distance_away() -> None:
    """Even where nothing is tolerated."""
    assert seen(replace(RIGHT, distance=0.0, tolerance=0.0)).worst == 0
    assert seen(replace(RIGHT, distance=1e-9, tolerance=0.0)).worst == math.inf


def test_each_judgement_has_its_place() -> None:
    """The weights that were judged, and the job's apart."""
    first = replace(RIGHT, when="first update", weights={"weight": [0.5], "bias": 0.3})
    found = seen(first, replace(RIGHT, weights=LINE))
    assert [(point.weight, point.bias) for point in found.points] == [(0.5, 0.3), (0.9, 0.5)]
    assert found.final
    assert found.final.judgement.when == "job"


def test_of_old_records_the_weights_of_the_job_count() -> None:
    """They kept none of what was judged but those that the job ended with."""
    first = replace(RIGHT, when="first update")
    found = seen(first, RIGHT, weights=LINE)
    assert [(point.judgement.when, point.weight, point.bias) for point in found.points] == [("job", 0.9, 0.5)]


@pytest.mark.parametrize(
    "weights",
    [
        {"weight": [None], "bias": 0.5},
        {"weight": [0.9, 0.8], "bias": 0.5},
        {"weight": [], "bias": 0.5},
        {"bias": 0.5},
        {"weight": [0.9], "bias": None},
        {"gradient": [0.9, 0.5]},
        {"weight": [math.inf], "bias": 0.5},
    ],
)
def test_what_is_no_line_has_no_place(weights: Weights) -> None:
    """Several features, a gradient, what is not finite: judged, but nowhere on the plane."""
    assert seen(replace(RIGHT, weights=weights)).points == ()


def test_who_was_never_judged_is_left_out() -> None:
    """Floors and failures have no answer; the twin has no row."""
    failed = record(MANUAL, 1, None, status="failed", reason="broke")
    assert [each.arm for each in verified_arms(compared({}, failed).races[0])] == [REFERENCE]
