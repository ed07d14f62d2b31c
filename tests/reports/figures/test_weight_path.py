"""The figure of the weights' path: wrong arms are off it and named, and the distance of right arms is given."""

from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from bench.results.record import Arm, Judgement, LossCurve, Record
from reports.figures.kit.colours import Palette
from reports.figures.kit.figure import Figure
from reports.figures.weight_path import draw
from reports.run.report import report_of
from tests.reports.figure_contents import files_of, loss_curve, numbers_of, words_of
from tests.reports.records import MANUAL, REFERENCE, arm, plan, race, record

PALETTE = Palette({"linear/nn_sgd": "#E69F00", "linear/manual": "#0072B2"})


def at(weight: Any, bias: Any, when: str = "job", share: float | None = 0.1, fault: str | None = None) -> Judgement:
    """A verified answer at this place, at this share of the tolerance."""
    return Judgement(
        when=when,
        updates=10_000 if when == "job" else 1,
        loss=0.2,
        distance=None if share is None else share * 1e-4,
        tolerance=1e-4,
        fault=fault,
        weights={"weight": [weight], "bias": bias},
    )


def drawn(
    arms: dict[Arm, tuple[Judgement, ...]], course: LossCurve | None = None, palette: Palette = PALETTE, **more: Any
) -> Figure | None:
    """The figure of a race with these verified answers; the first arm is the reference."""
    first, *others = arms
    records: list[Record] = []
    for one, judgements in arms.items():
        wrong = any(judgement.fault for judgement in judgements)
        told = record(one, 1, 3e-4, status="wrong" if wrong else "ok", reason="off" if wrong else "", **more)
        records.append(replace(told, judgements=judgements))
    this = race(*others, reference=first, twin=None)
    return draw(report_of(plan(this), {}, records, {this: course or loss_curve()}).races[0], palette)


RIGHT = {REFERENCE: (at(0.5, 0.25, "first update"), at(0.9, 0.5)), MANUAL: (at(0.9, 0.5, share=0.4),)}


def test_right_arms_are_said_to_be_on_the_path() -> None:
    """All are counted, with the furthest from the oracle; start, end and optimum are named."""
    figure = drawn(RIGHT)
    assert figure
    assert "2 of 2 arms were on the oracle's path whenever they were verified" in figure.text
    assert "linear/manual cpu eager, by 40 % of what rounding explains" in figure.text
    said = words_of(figure)
    for words in ("start", "the job's end, 10 000 updates", "least loss, 0.12", "linear/nn_sgd cpu eager", "5 000"):
        assert words in said
    assert "WRONG" not in said


@pytest.mark.parametrize("place", [(1.2, 0.4), (50.0, -1e12), (-3.0, 0.5), (None, None)])
def test_a_wrong_arm_is_named(place: tuple[float | None, float | None]) -> None:
    """A wrong arm is named where it ended, or at the edge when that is far away, and in the text."""
    share = None if place[0] is None else 3_000
    figure = drawn(RIGHT | {arm("linear/numpy"): (at(*place, share=share, fault="off"),)})
    assert figure
    assert "WRONG, off the path: linear/numpy cpu eager" in figure.text
    said = words_of(figure)
    assert "linear/numpy cpu eager WRONG" in said
    assert ("WRONG: linear/numpy cpu eager" in said) == (place[0] is not None)


def test_many_wrong_arms_are_counted() -> None:
    """The text names five and counts the rest; the plot of distances names each."""
    wrong = {arm(f"linear/bad_{n}"): (at(1.0 + n / 50, 0.3, share=100, fault="off"),) for n in range(9)}
    figure = drawn(RIGHT | wrong)
    assert figure
    assert "and 4 more." in figure.text
    said = words_of(figure)
    assert [] == [n for n in range(9) if f"linear/bad_{n} cpu eager WRONG" not in said]


def test_every_judged_answer_is_in_the_numbers() -> None:
    """The CSV holds each answer with its place, its distance and its tolerance."""
    table = numbers_of(drawn(RIGHT))
    assert sorted(zip(table["when"], table["weight"], strict=True)) == [
        ("first update", 0.5),
        ("job", 0.9),
        ("job", 0.9),
    ]
    assert (table["distance"] < table["tolerance"]).all()


def test_old_records_are_drawn_by_the_weights_of_their_job() -> None:
    """Answers of runs that kept no weights have no place."""
    bare = {one: tuple(replace(judgement, weights=None) for judgement in told) for one, told in RIGHT.items()}
    table = numbers_of(drawn(bare, weights={"weight": [0.91], "bias": 0.51}))
    assert list(table["weight"]) == [0.91, 0.91]


def test_what_is_no_line_has_no_figure() -> None:
    """There is no figure for several features, for a run without a loss curve, and for a race without answers."""
    assert drawn(RIGHT, LossCurve(updates=(0, 1), losses=(2.0, 1.0), minimum=0.5)) is None
    this = race(MANUAL)
    assert draw(report_of(plan(this), {}, []).races[0], PALETTE) is None
    assert draw(report_of(plan(this), {}, [], {this: loss_curve()}).races[0], PALETTE) is None


def test_a_loss_that_is_flat_in_one_direction_can_be_drawn() -> None:
    """With a single row of data the loss has no curvature in one direction, and its contours are lines."""
    flat = replace(loss_curve(), curvature=((2.0, 2.0), (2.0, 2.0)))
    assert "the job's end" in words_of(drawn(RIGHT, flat))
    assert "the job's end" in words_of(drawn(RIGHT, replace(loss_curve(), curvature=((0.0, 0.0), (0.0, 0.0)))))


def test_hundreds_of_arms_can_be_drawn() -> None:
    """The plot of distances keeps its dots and drops its names."""
    crowd = {arm(f"linear/way_{n}"): (at(0.9, 0.5, share=0.001 * (n + 1)),) for n in range(80)}
    said = words_of(drawn(RIGHT | crowd))
    assert "82 of 82 arms" in said
    assert "linear/way_7 cpu eager" not in said


def test_where_full_batches_go_after_the_job_is_exact() -> None:
    """The path beyond the job is what the same rule gives from the start."""
    from reports.figures.weight_path import _beyond_job

    course, longer = loss_curve(10_000), loss_curve(20_000)
    np.testing.assert_allclose(_beyond_job(course, 1e-4, 20_000)[-1], longer.parameters[-1], rtol=1e-9)


def test_equal_results_give_equal_bytes() -> None:
    """Drawing twice gives the same files."""
    assert files_of(drawn(RIGHT)) == files_of(drawn(RIGHT))
