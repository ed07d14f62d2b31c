"""The order in which the rows are read, which arms and oracle share."""

import numpy as np
import pytest
from numpy.typing import NDArray

from impls.contract.schedule import EPOCHS, draw_schedule

SIZES = [(200, 7), (200, 1), (200, 200), (5, 2), (10, 9), (1, 1)]


def drawn(rows: int, batch: int, seed: int) -> NDArray[np.int64]:
    """The order of a mini-batch schedule, which always has one."""
    order = draw_schedule(rows, batch, seed).order
    assert order is not None
    return order


@pytest.mark.parametrize(("rows", "batch"), SIZES)
def test_the_same_arguments_give_the_same_schedule(rows: int, batch: int) -> None:
    """A schedule is a function of rows, batch and seed alone."""
    np.testing.assert_array_equal(drawn(rows, batch, 3), drawn(rows, batch, 3))


@pytest.mark.parametrize(("rows", "batch"), SIZES)
def test_an_epoch_visits_each_row_at_most_once(rows: int, batch: int) -> None:
    """Within each epoch no row is read twice, and all but the left-over rows are read."""
    schedule = draw_schedule(rows, batch, 0)
    epochs = drawn(rows, batch, 0).reshape(EPOCHS, -1)
    assert rows // batch == schedule.updates_per_epoch
    assert [rows // batch * batch] * EPOCHS == [len(set(epoch.tolist())) for epoch in epochs]
    assert rows // batch * batch == epochs.shape[1]


@pytest.mark.parametrize(("rows", "batch"), SIZES)
def test_an_order_has_whole_batches_of_existing_rows(rows: int, batch: int) -> None:
    """The order is (updates of all drawn epochs, batch) in int64, and every entry is a row that exists."""
    order = drawn(rows, batch, 0)
    assert (EPOCHS * (rows // batch), batch) == order.shape
    assert np.dtype(np.int64) == order.dtype
    assert 0 <= order.min() <= order.max() < rows


def test_the_drawn_epochs_differ() -> None:
    """Each drawn epoch has a permutation of its own, so that a stale order can be told from a right one."""
    epochs = drawn(200, 7, 0).reshape(EPOCHS, -1)
    assert len({tuple(epoch.tolist()) for epoch in epochs}) == EPOCHS


@pytest.mark.parametrize(("rows", "seed"), [(1, 0), (5, 0), (100_000, 7)])
def test_a_full_batch_has_no_order(rows: int, seed: int) -> None:
    """With a full batch there is nothing to draw, and an epoch is one update."""
    schedule = draw_schedule(rows, "full", seed)
    assert (schedule.order, schedule.updates_per_epoch) == (None, 1)


def test_different_seeds_give_different_orders() -> None:
    """Twenty seeds give twenty orders."""
    assert len({drawn(200, 7, seed).tobytes() for seed in range(20)}) == 20


def test_a_batch_of_all_rows_is_an_order_not_a_full_batch() -> None:
    """A batch as large as the data still has its rows drawn: it reads them in another order than "full" does."""
    order = drawn(200, 200, 0)
    assert list(range(200)) == sorted(order[0].tolist())
    assert list(range(200)) != order[0].tolist()
