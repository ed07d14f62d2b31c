"""The staircase of a climb: a stair for each step up, the promise, and what each rewrite is worth."""

import pytest

from reports.figures.staircase import draw
from tests.reports.climbs import climb_report
from tests.reports.figure_contents import numbers_of, words_of
from tests.reports.steps import everything


def test_the_stairs_are_the_steps_of_the_climb() -> None:
    """In their order, with their gains; below them what is worth what; no picture without a climb."""
    figure = draw(climb_report().races[0])
    words = words_of(figure)
    for said in ("plain", "+ channels_last", "+ whole_graph", "the recipe", "without channels_last", "no bits lost"):
        assert said in words or "0.3 bits lost" in words, said
    numbers = numbers_of(figure)
    assert list(numbers["added"]) == ["channels_last", "whole_graph"]
    assert list(numbers["ratio"]) == pytest.approx([0.75, 0.5], rel=0.02)
    assert draw(everything().races[0]) is None
