"""The model of what processes cost each other: made-up costs are found, errors are told, and the paper's sums are right."""

import pytest

from reports.growth.scaling import LINKS, AtSize, scaling_of
from reports.growth.scaling_text import link_columns, point_columns, sentence, sizes_on_paper, told
from reports.text.columns import cells

WAIT, EACH = 2e-4, 3e-9


def at(size: float, share: float, numbers: int, beside: float = 0.0) -> AtSize:
    """A size at which the model is exact but for what lies beside it."""
    return AtSize(size, share + WAIT + EACH * numbers + beside, share, numbers)


def test_exact_costs_are_found() -> None:
    """Of times that are own rows + wait + each x numbers, both costs are found and nothing is left over."""
    found = scaling_of("ddp", 2, [at(n, 1e-9 * n * n, 100 * n) for n in (10, 100, 1_000, 10_000)])
    assert found is not None
    assert found.wait == pytest.approx(WAIT)
    assert found.each == pytest.approx(EACH)
    assert found.off < 1e-6
    assert found.predicted(found.points[-1]) == pytest.approx(found.points[-1].seconds)


def test_without_other_sizes_of_the_gradient_all_is_waiting() -> None:
    """A sweep of the batch leaves the gradient as large as it is: the model is one number."""
    found = scaling_of("ddp", 2, [at(n, 1e-6 * n, 1_000) for n in (10, 100, 1_000)])
    assert found is not None
    assert found.wait == pytest.approx(WAIT + 1_000 * EACH)
    assert found.each == 0.0


def test_a_time_that_the_others_do_not_tell_is_told() -> None:
    """The error is that of a size which the model was not fitted to: one that lies aside shows in full."""
    points = [at(n, 1e-3, 1_000) for n in (1, 2, 3)] + [at(4, 1e-3, 1_000, beside=1.2e-3)]
    found = scaling_of("ddp", 2, points)
    assert found is not None
    assert found.off == pytest.approx(1.2e-3 / points[-1].seconds, rel=0.01)
    assert "50 %" in sentence(found)


def test_two_sizes_tell_nothing() -> None:
    """A line through two sizes would always fit."""
    assert scaling_of("ddp", 2, [at(1, 1e-3, 10), at(2, 1e-3, 20)]) is None


def test_a_share_that_took_longer_than_the_update_costs_nothing_more() -> None:
    """Measured in two moments, a share may come out longer than its update; what is left is then nothing, not less."""
    assert AtSize(1, 1e-3, 1.1e-3, 10).talk == 0.0


def test_many_gpus_pay_once_dividing_saves_what_the_all_reduce_costs() -> None:
    """At the size from which they pay, work / W + all-reduce is the work; at half, the speed-up is W / 2."""
    for link in LINKS:
        for numbers in (1_000, 100_000_000):
            work = link.pays_from(numbers)
            assert work / link.gpus + link.all_reduce(numbers) == pytest.approx(work)
            half = link.half_from(numbers)
            assert half / (half / link.gpus + link.all_reduce(numbers)) == pytest.approx(link.gpus / 2)


def test_tables_show_what_was_measured_beside_the_model() -> None:
    """A line for each size, and one for each way to join GPUs, for the smallest and the largest gradient."""
    found = scaling_of("ddp", 2, [at(n, 1e-6 * n, 100 * n) for n in (10, 100, 1_000)])
    assert found is not None
    assert ["10", "213 µs", "10.0 µs", "203 µs", "213 µs"] == cells(point_columns("hidden", found), found.points[0])
    assert [3, 2, 2] == [len(one.lines) for one in told("hidden", [found])]
    assert [1_000, 100_000] == [numbers for numbers, _ in sizes_on_paper([found])]
    assert ["8", "20.0 µs"] == [cells(link_columns(1_000), LINKS[0])[place] for place in (0, 2)]
