"""The tutorial's picture: the line from start to end, least squares, and wrong arms' lines, dashed and named."""

import pytest
from msgspec.structs import replace

from bench.results.record import Judgement, LossCurve, Record
from reports.figures.fitted_line import draw
from reports.figures.kit.colours import Palette
from reports.figures.kit.figure import Figure
from reports.run.report import report_of
from tests.reports.figure_contents import descent, numbers_of, words_of
from tests.reports.records import MANUAL, REFERENCE, WRONG, arm, plan, race, record, rounds


def pictured(*others: Record, course: LossCurve | None = None) -> Figure | None:
    """The picture of the reference and what these records saw."""
    records = [*rounds(REFERENCE, 4e-4), *others]
    this = race(*dict.fromkeys(told.arm for told in others), twin=None)
    return draw(report_of(plan(this), {}, records, {this: course or descent()}).races[0], Palette({}))


def wrong(name: str, weight: float, bias: float) -> Record:
    """An arm that ended there."""
    fault: Judgement = replace(WRONG, weights={"weight": [weight], "bias": bias})
    return replace(record(arm(name), 1, 3e-4, status="wrong", reason="off"), judgements=(fault,))


def test_start_end_and_least_squares_are_named() -> None:
    """Each line says after how many updates it is, and its loss; the end in words with its parameters."""
    picture = pictured()
    assert picture
    said = words_of(picture)
    for words in ("the start, loss 0.99", "1 000 updates, loss", "10 000 updates, loss 0.12", "least squares"):
        assert words in said
    assert "After 10 000 updates every right arm has y = 0.99876 x + 0.55264, with a loss of 0.122247." in picture.text
    assert "Least squares is y = 1 x + 0.6, with a loss of 0.12:" in picture.text
    assert "WRONG" not in said


def test_wrong_arms_have_lines_with_names() -> None:
    """However far off they are, with what steers taken out; the seventh is counted."""
    picture = pictured(wrong("linear/numpy", -2, 9), wrong("linear/\u202e<b>", 1e12, 0), wrong("linear/flat", 0, 1e9))
    said = words_of(picture)
    for words in ("WRONG: linear/numpy cpu eager", "WRONG: linear/ <b> cpu eager", "WRONG: linear/flat cpu eager"):
        assert words in said
    many = pictured(*(wrong(f"linear/bad_{n}", n, 0) for n in range(8)))
    assert many
    assert "2 more are wrong and not drawn." in many.text


def test_right_arms_have_no_line_of_their_own() -> None:
    """They lie on the oracle's."""
    assert "linear/manual" not in words_of(pictured(*rounds(MANUAL, 3e-4)))


def test_the_numbers_are_the_course() -> None:
    """Every point of the oracle's course, least squares, and where wrong arms ended."""
    table = numbers_of(pictured(wrong("linear/numpy", -2, 9)))
    assert list(table["what"]) == ["the oracle"] * 101 + ["least squares", "linear/numpy"]
    assert table["weight"].iloc[-1] == -2


@pytest.mark.parametrize(
    "course",
    [
        LossCurve(updates=(0, 1), losses=(2.0, 1.0), minimum=0.5),
        replace(descent(), sample=()),
        replace(descent(), sample=((1.0, 1.0),)),
    ],
)
def test_what_is_no_line_has_no_picture(course: LossCurve) -> None:
    """Several features, and data of fewer than two points."""
    assert pictured(course=course) is None


def test_an_old_run_has_no_picture() -> None:
    """It kept no descent."""
    assert draw(report_of(plan(race()), {}, []).races[0], Palette({})) is None


def test_a_job_of_one_update_can_be_drawn() -> None:
    """It has a start and an end."""
    assert "1 update, loss" in words_of(pictured(course=descent(1)))


def test_equal_results_give_equal_bytes() -> None:
    """Every format, twice."""
    assert pictured() == pictured()
