"""The figure of the fitted line: the line from start to end, least squares, and wrong arms' lines, dashed and named."""

import pytest
from msgspec.structs import replace

from bench.results.record import Judgement, LossCurve, Record
from reports.figures.fitted_line import draw
from reports.figures.kit.colours import Palette
from reports.figures.kit.figure import Figure
from reports.run.report import report_of
from tests.reports.figure_contents import files_of, loss_curve, numbers_of, words_of
from tests.reports.records import MANUAL, REFERENCE, WRONG, arm, plan, race, record, rounds


def drawn(*others: Record, course: LossCurve | None = None) -> Figure | None:
    """The figure of a race of the reference and these records."""
    records = [*rounds(REFERENCE, 4e-4), *others]
    this = race(*dict.fromkeys(told.arm for told in others), twin=None)
    return draw(report_of(plan(this), {}, records, {this: course or loss_curve()}).races[0], Palette({}))


def wrong(name: str, weight: float, bias: float) -> Record:
    """A wrong record of an arm that ended at these parameters."""
    fault: Judgement = replace(WRONG, weights={"weight": [weight], "bias": bias})
    return replace(record(arm(name), 1, 3e-4, status="wrong", reason="off"), judgements=(fault,))


def test_start_end_and_least_squares_are_named() -> None:
    """Each line is labelled with its updates and loss; the text gives the parameters at the end."""
    figure = drawn()
    assert figure
    said = words_of(figure)
    for words in ("the start, loss 0.99", "1 000 updates, loss", "10 000 updates, loss 0.12", "least squares"):
        assert words in said
    assert "After 10 000 updates every right arm has y = 0.99876 x + 0.55264, with a loss of 0.122247." in figure.text
    assert "Least squares is y = 1 x + 0.6, with a loss of 0.12:" in figure.text
    assert "WRONG" not in said


def test_wrong_arms_have_lines_with_names() -> None:
    """Up to six wrong arms are named, however far off, without control characters; more are counted."""
    figure = drawn(wrong("linear/numpy", -2, 9), wrong("linear/\u202e<b>", 1e12, 0), wrong("linear/flat", 0, 1e9))
    said = words_of(figure)
    for words in ("WRONG: linear/numpy cpu eager", "WRONG: linear/ <b> cpu eager", "WRONG: linear/flat cpu eager"):
        assert words in said
    many = drawn(*(wrong(f"linear/bad_{n}", n, 0) for n in range(8)))
    assert many
    assert "2 more are wrong and not drawn." in many.text


def test_right_arms_have_no_line_of_their_own() -> None:
    """Right arms have no line of their own: it would lie on the oracle's."""
    assert "linear/manual" not in words_of(drawn(*rounds(MANUAL, 3e-4)))


def test_the_numbers_are_the_course() -> None:
    """The CSV holds every point of the oracle's path, least squares, and where wrong arms ended."""
    table = numbers_of(drawn(wrong("linear/numpy", -2, 9)))
    assert list(table["what"]) == ["the oracle"] * 101 + ["least squares", "linear/numpy"]
    assert table["weight"].iloc[-1] == -2


@pytest.mark.parametrize(
    "course",
    [
        LossCurve(updates=(0, 1), losses=(2.0, 1.0), minimum=0.5),
        replace(loss_curve(), sample=()),
        replace(loss_curve(), sample=((1.0, 1.0),)),
    ],
)
def test_what_is_no_line_has_no_figure(course: LossCurve) -> None:
    """Several features, or a sample of fewer than two points, have no figure."""
    assert drawn(course=course) is None


def test_an_old_run_has_no_figure() -> None:
    """A run of an older format kept no loss curve and has no figure."""
    assert draw(report_of(plan(race()), {}, []).races[0], Palette({})) is None


def test_a_job_of_one_update_can_be_drawn() -> None:
    """A job of one update has a line at the start and one at the end."""
    assert "1 update, loss" in words_of(drawn(course=loss_curve(1)))


def test_equal_results_give_equal_bytes() -> None:
    """Drawing twice gives the same files."""
    assert files_of(drawn()) == files_of(drawn())
