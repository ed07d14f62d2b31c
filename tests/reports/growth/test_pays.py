"""From which size on an arm pays, by ratios that are made up."""

import pytest

from bench.results.statistics import Estimate
from reports.growth.crossings import SizeRatio
from reports.growth.pays import pays_of


def ratios(*values: float, width: float = 0.01) -> list[SizeRatio]:
    """The ratios of an arm to the reference at sizes a factor of ten apart."""
    return [
        SizeRatio(10.0**power, Estimate(value, value * (1 - width), value * (1 + width), 5), 1e-4)
        for power, value in enumerate(values)
    ]


@pytest.mark.parametrize(("values", "begins"), [((2.0, 1.5, 0.5), True), ((0.5, 1.5, 2.0), False)])
def test_an_arm_pays_from_a_size_or_up_to_one(values: tuple[float, ...], begins: bool) -> None:
    """Where it changes places with the reference once, the size lies between those at which they were measured."""
    pays = pays_of(ratios(*values))
    assert pays is not None
    assert pays.change is not None
    assert pays.change.begins is begins
    assert pays.change.low <= pays.change.size <= pays.change.high
    assert 1 < pays.change.size < 100
    assert (pays.faster, pays.measured) == (1, 3)


def test_an_arm_that_pays_everywhere_has_no_change() -> None:
    """It is faster at all sizes, or at none, or at those where that is certain."""
    found = [pays_of(ratios(*values)) for values in ((0.5, 0.6, 0.7), (1.5, 1.6, 1.7), (0.5, 1.0, 0.6))]
    assert [(pays.faster, pays.measured, pays.change) for pays in found if pays] == [
        (3, 3, None),
        (0, 3, None),
        (2, 3, None),
    ]


def test_an_arm_that_changes_twice_has_no_single_size() -> None:
    """How many sizes it is faster at is all that is said."""
    pays = pays_of(ratios(0.5, 2.0, 0.5))
    assert pays is not None
    assert (pays.faster, pays.measured, pays.change) == (2, 3, None)


def test_an_arm_without_ratios_tells_nothing() -> None:
    """There is nothing to say of one that never ran beside the reference."""
    assert pays_of([]) is None
