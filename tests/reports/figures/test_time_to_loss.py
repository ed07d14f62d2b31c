"""The figure of loss against seconds: the target in words and numbers, and each race's arms named at their times."""

import re

import pytest

from reports.figures.kit.colours import Palette
from reports.figures.kit.figure import Figure
from reports.figures.time_to_loss import draw
from reports.run.report import report_of
from reports.run.time_to_loss import targets
from tests.reports.figure_contents import files_of, loss_curve, numbers_of, words_of
from tests.reports.records import plan, race
from tests.reports.run.test_time_to_loss import batches

PALETTE = Palette({"linear/nn_sgd": "#E69F00", "linear/c": "#0072B2"})


def drawn(*sizes: object, palette: Palette | None = PALETTE) -> Figure:
    """The figure of races with these batches, whose loss curves fall alike in 10 000 updates, or in half as many."""
    races, records = batches(*sizes)
    loss_curves = {race: loss_curve(10_000 - 500 * number) for number, race in enumerate(races)}
    comparison = report_of(plan(*races), {}, records, loss_curves)
    (target,) = targets(comparison.races)
    return draw(target, palette or comparison.palette)


def test_the_target_is_told_in_words_and_numbers() -> None:
    """Its loss, and for each race the updates, the fastest arm and the reference, with intervals."""
    text = drawn("full", 100, 1).text
    assert re.match(r"The target is a loss of 0\.1\d+, the lowest that all of these races reach", text)
    assert re.search(
        r"Full batch: 9 00[01] updates, 3\d\d ± \d+ ms by linear/c cpu eager, 3.\d+ ± 0\.\d+ s by linear/nn_sgd", text
    )
    assert re.search(r"Batches of 100: (9 000|9 001) updates", text)
    assert re.search(r"Single samples: 9 000 updates, 3\.\d+ ± 0\.\d+ µs", text)
    assert "Soonest: single samples, by linear/c cpu eager." in text


def test_the_soonest_is_only_named_when_it_is_certain() -> None:
    """Where the intervals of two batches overlap, none is named; neither is one of a single race."""
    assert "Which is soonest cannot be decided" in drawn("full", 99_999).text
    assert "oonest" not in drawn("full").text


def test_every_arm_is_named_at_its_time() -> None:
    """Each arm is named below the heading of its race, with its seconds."""
    said = words_of(drawn("full", 1))
    for words in (
        "full batch: 9 500 updates",
        "single samples: 9 500 updates",
        "the target: 0.1",
        "s linear/nn_sgd cpu",
    ):
        assert words in said
    assert said.count("linear/c cpu eager") >= 2


def test_the_numbers_are_those_of_all_arms() -> None:
    """The CSV holds every arm of every race with its interval, for the same loss."""
    table = numbers_of(drawn("full", 1))
    assert len(table) == 4
    assert (table["low"] < table["seconds_to_target"]).all()
    assert (table["seconds_to_target"] < table["high"]).all()
    assert table["target_loss"].nunique() == 1


@pytest.mark.parametrize("sizes", [(1,), tuple(range(1, 14))])
def test_any_number_of_races_can_be_drawn(sizes: tuple[int, ...]) -> None:
    """One race, or thirteen, of which the reference and the fastest arms are shown."""
    assert words_of(drawn(*sizes)).count("linear/nn_sgd cpu eager") >= len(sizes)


def test_one_round_has_no_interval_and_a_figure() -> None:
    """A single round gives a time without an interval."""
    (one,), records = batches("full")
    first = [record for record in records if record.round == 1]
    (target,) = targets(report_of(plan(one), {}, first, {one: loss_curve()}).races)
    assert "ms linear/c cpu eager" in words_of(draw(target, PALETTE))
    assert race(reference=one.reference, twin=None).arms[0] == one.reference


def test_equal_results_give_equal_bytes() -> None:
    """Drawing twice gives the same files."""
    assert files_of(drawn("full", 1)) == files_of(drawn("full", 1))
