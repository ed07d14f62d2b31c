"""How well tools repeat, told from made-up sittings."""

import pytest

from bench.results.scores.ranks import Series, Sitting, steadiness


def sitting(tool: str, number: int, seconds: dict[str, float], ranks: dict[str, int]) -> Sitting:
    """A run of a tool that took a minute."""
    return Sitting(tool=tool, number=number, took=60.0, seconds=seconds, ranks=ranks)


def test_pairs_that_change_places_are_counted_and_apart_those_called_different_both_times() -> None:
    """An arm that ties with another may change places with it; one that was called faster may not be called slower."""
    found = steadiness(
        Series(
            machine="",
            versions={},
            reference="a",
            ways={"ours": "", "theirs": "", "absent": ""},
            sittings=(
                sitting("ours", 1, {"a": 4.0, "b": 3.9, "c": 1.0}, {"a": 2, "b": 2, "c": 1}),
                sitting("ours", 2, {"a": 4.0, "b": 4.1, "c": 1.1}, {"a": 2, "b": 2, "c": 1}),
                sitting("theirs", 1, {"a": 4.0, "b": 5.0, "c": 1.0}, {}),
                sitting("theirs", 2, {"a": 4.0, "b": 5.0, "c": 1.0}, {}),
            ),
        )
    )
    ours, theirs = found
    assert (ours.pairs, ours.swapped, ours.told) == (3, 1, 0)
    assert (ours.usual, ours.worst) == pytest.approx(((4.1 / 3.9 + 1.1) / 2 - 1, 0.1))
    assert (theirs.swapped, theirs.told, theirs.worst) == (0, None, 0.0)


def test_ranks_that_contradict_each_other_are_told() -> None:
    """Called faster in one run and slower in another: an error of the tool, not of the machine."""
    first, second = {"a": 1, "b": 2}, {"a": 2, "b": 1}
    sittings = tuple(sitting("ours", n, {"a": 1.0, "b": 1.0}, ranks) for n, ranks in enumerate((first, second)))
    (found,) = steadiness(Series(machine="", versions={}, reference="a", ways={"ours": ""}, sittings=sittings))
    assert found.told == 1
