"""The figure of break-even: its lines cross where the table says, and starts that were not alone are marked."""

import re

import pytest

from reports.figures.break_even import draw, lines_of
from reports.figures.kit.colours import Palette
from reports.run.report import RaceResult, RunReport, report_of
from tests.reports.figure_contents import files_of, numbers_of, words_of
from tests.reports.records import (
    ANALYTIC,
    MANUAL,
    MOMENTS,
    REFERENCE,
    arm,
    compared,
    floored,
    plan,
    race,
    record,
    rounds,
)
from tests.reports.steps import answered, everything, reported

PALETTE = Palette({})
LATE = arm("linear/while_loop", mode="compile")


def slow_start(cold: float, seconds: float = 1e-4, **more: bool) -> RunReport:
    """A race with an arm that takes so many seconds to its first update."""
    return compared({MANUAL: 3e-4}, *rounds(LATE, seconds, cold=cold, **more))


def result(cold: float = 10.5) -> RaceResult:
    """An arm that starts ten seconds later and saves 0.3 ms an update has caught up after 33 000 updates."""
    return slow_start(cold).races[0]


def test_the_lines_cross_where_an_arm_pays_off() -> None:
    """At the number of updates in the table, the arm's line meets the reference's, within one update."""
    lines = {line.row.arm: line for line in lines_of(result())}
    late, reference = lines[LATE], lines[REFERENCE]
    assert late.break_even
    assert late.break_even == pytest.approx(33_000, rel=0.03)
    assert late.at(late.break_even) == pytest.approx(reference.at(late.break_even), abs=1e-3)
    assert late.at(late.break_even - 100) > reference.at(late.break_even - 100)


def test_the_words_say_who_pays_off_when() -> None:
    """Figure and text name the arm, the updates after which it pays off, and those of the job."""
    figure = draw(result(), PALETTE)
    assert figure
    assert re.search(
        r"Slower starts that pay off only later: linear/while_loop cpu compile after 3\d 000 ", figure.text
    )
    assert "For the job's 10 000 updates linear/manual cpu eager takes the least time, 4." in figure.text
    said = words_of(figure)
    assert re.search(r"linear/while_loop cpu compile: 3\d 000", said)
    assert "the job: 10 000 updates" in said
    assert "linear/nn_sgd cpu eager, the reference" in said


def test_an_arm_that_pays_off_within_the_job_is_told_so() -> None:
    """An arm that starts two seconds later catches up long before the job is over."""
    figure = draw(result(2.5), PALETTE)
    assert figure
    assert "Slower starts that pay off within the job: linear/while_loop cpu compile after 6 " in figure.text


def test_starts_that_others_disturbed_are_marked() -> None:
    """A tilde marks it and a sentence explains the tilde; neither is there where all arms started alone."""
    disturbed = draw(slow_start(10.5, alone=False).races[0], PALETTE)
    assert "linear/while_loop cpu compile~: 3" in words_of(disturbed)
    assert disturbed
    assert "~: other arms were starting at the same time" in disturbed.text
    assert "~" not in words_of(draw(result(), PALETTE))


def test_slower_arms_never_pay_off() -> None:
    """The label of an arm that is slower and starts no sooner says "never"."""
    said = words_of(draw(compared({MANUAL: 8e-4, ANALYTIC: 1e-4}).races[0], PALETTE))
    assert "linear/manual cpu eager: never" in said
    assert "linear/analytic cpu eager: at once" in said


def test_only_faithful_arms_have_a_line() -> None:
    """Floors, other algorithms and watched arms are left out."""
    others = [*rounds(MOMENTS, 1e-9, work="algorithmic"), *rounds(arm("linear/nn_sgd", watch="draw"), 3e-3)]
    arms = [line.row.arm for line in lines_of(floored({MANUAL: 3e-4}, *others).races[0])]
    assert arms == [MANUAL, REFERENCE]


def test_without_a_time_there_is_no_figure() -> None:
    """A race in which all arms failed has no figure."""
    failed = [record(one, 1, None, status="failed", reason="broken") for one in (REFERENCE, MANUAL)]
    assert draw(report_of(plan(race(MANUAL)), {}, failed).races[0], PALETTE) is None


def test_many_arms_are_drawn_and_only_the_telling_are_named() -> None:
    """Of fifty arms, those with a colour and those in the notes are named; the CSV holds all."""
    comparison = compared({arm(f"linear/way_{n:02d}"): 4e-4 * 0.95**n for n in range(50)})
    figure = draw(comparison.races[0], comparison.palette)
    named = re.findall(r"linear/way_\d\d cpu eager:", words_of(figure))
    assert 5 <= len(named) <= 8
    assert len(numbers_of(figure)) == 51


def test_equal_results_give_equal_bytes() -> None:
    """Drawing twice gives the same files."""
    assert files_of(draw(result(), PALETTE)) == files_of(draw(result(), PALETTE))


def test_names_are_harmless() -> None:
    """Control characters are taken out of figure and text, and no cell of the CSV is a formula."""
    odd = arm("=cmd\x1b[31m\u202e$x$")
    figure = draw(compared({odd: 1e-4}).races[0], PALETTE)
    assert figure
    for text in (words_of(figure), figure.text):
        assert "=cmd [31m $x$ cpu eager" in text
    assert "'=cmd" in numbers_of(figure)["implementation"].to_string()


def test_a_step_has_no_job() -> None:
    """Of a step the figure says when slower starts pay off, and nothing of a job; where none does there is no figure."""
    figure = draw(everything().races[0], PALETTE)
    assert figure
    assert figure.text.startswith("Slower starts that pay off: whole_graph after 14")
    assert "job" not in words_of(figure)
    assert "cpu" not in words_of(figure)
    assert draw(reported(answered("fused", 5e-4)).races[0], PALETTE) is None
