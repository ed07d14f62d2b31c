"""The ensemble: what rounds moves by as many units as it may, what is exact stays, and operations of every kind run."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.judge.standard.ensemble import Moved

ROWS, COLUMNS = 40, 300


def moved_units(call: Callable[[], Tensor], members: int = 8) -> int:
    """The most units in the last place by which a result has moved."""
    right = call().view(torch.int32)
    most = 0
    for member in range(members):
        with Moved(member):
            result = call()
        most = max(most, int((result.view(torch.int32) - right).abs().max()))
    return most


@pytest.fixture
def numbers() -> Tensor:
    """Numbers between 1 and 2, which all have the same unit in the last place."""
    return 1 + torch.rand(ROWS, COLUMNS, generator=torch.Generator().manual_seed(0))


def test_what_rounds_moves_by_a_unit(numbers: Tensor) -> None:
    """A product of numbers, in a tensor of its own or in the place of a factor."""
    assert moved_units(lambda: numbers * 1.1) == 1
    assert moved_units(lambda: numbers.clone().mul_(1.1)) == 1


def test_what_copies_or_selects_stays(numbers: Tensor) -> None:
    """Views, copies, comparisons, choices and changes of sign are exact."""
    assert moved_units(lambda: numbers.t().contiguous()) == 0
    assert moved_units(lambda: torch.where(numbers > 1.5, numbers, -numbers)) == 0
    assert moved_units(lambda: torch.cat([functional.relu(numbers), numbers[:3]]).amax(0)) == 0


@pytest.mark.parametrize("terms", [9, 40_000])
def test_a_sum_moves_by_more(terms: int) -> None:
    """By 3 units, or by a quarter of the root of its number of terms where that is more."""
    values = torch.rand(64, terms, generator=torch.Generator().manual_seed(1))
    limit = max(3, int(terms**0.5 / 4))
    for total in (lambda: values.sum(1), lambda: values @ values[0]):
        assert 0.8 * limit <= moved_units(total) <= limit


def test_zeros_infinities_and_counters_stay() -> None:
    """A masked score, a number that was never touched and the count of an optimizer's steps are no roundings."""
    values = torch.tensor([0.0, float("inf"), float("-inf"), 1e-42])
    with Moved(3):
        for _ in range(20):
            assert torch.equal(values * 1.0, values)
        count = torch.tensor(0.0)
        for _ in range(20):
            count += 1
    assert count == 20


def test_an_operation_that_writes_into_a_few_rows_moves_only_these() -> None:
    """Sparse gradients and sums by index leave the rest of what they write into as it is, to the bit."""
    start = 1 + torch.rand(100, 4)
    rows = torch.tensor([3, 3, 7])
    added = torch.rand(3, 4)
    with Moved(0):
        dense = start.clone().index_add_(0, rows, added)
        sparse = start.clone().add_(torch.sparse_coo_tensor(rows[None], added, (100, 4), check_invariants=False))
    for result in (dense, sparse):
        assert torch.equal((result != start).any(1).nonzero().flatten(), torch.tensor([3, 7]))


def test_buffers_and_fused_optimizers_move() -> None:
    """What an operation writes into is a result, too, though its schema may not say so; drawn numbers are left as they are."""

    def trained() -> list[Tensor]:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
        optimizer = torch.optim.AdamW(model.parameters(), fused=True)
        model(torch.randn(6, 5)).square().sum().backward()
        optimizer.step()
        return [*model.parameters(), *model.buffers(), torch.get_rng_state()]

    plain = trained()
    with Moved(1):
        *moved, state = trained()
    assert torch.equal(plain[-1], state)
    names = ("weight", "bias", "scale", "shift", "mean", "variance", "count")
    differs = [name for name, one, other in zip(names, plain, moved, strict=False) if not torch.equal(one, other)]
    assert {"weight", "scale", "mean", "variance"} <= set(differs)
    assert "count" not in differs


def _attention() -> Tensor:
    query = torch.randn(2, 2, 8, 4, requires_grad=True)
    return functional.scaled_dot_product_attention(query, query, query, is_causal=True)


def _recurrent() -> Tensor:
    outputs: Tensor = nn.LSTM(3, 4, batch_first=True)(torch.randn(2, 5, 3))[0]
    return outputs


def _embedding() -> Tensor:
    rows: Tensor = nn.EmbeddingBag(9, 3)(torch.tensor([[1, 1], [2, 3]])) + nn.Embedding(9, 3)(torch.tensor([4, 4]))
    return rows


def _convolution() -> Tensor:
    image = torch.randn(2, 3, 8, 8).contiguous(memory_format=torch.channels_last)
    layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4), nn.MaxPool2d(2), nn.ConvTranspose2d(4, 2, 2))
    result: Tensor = layers(image)
    return result


def _scattered() -> Tensor:
    weight = torch.rand(6, 2, requires_grad=True)
    degree = torch.bincount(torch.tensor([0, 1, 1]), minlength=6).float()
    return weight[torch.tensor([1, 1, 3])].sum() + (weight * degree[:, None]).cumsum(0)


def _sparse() -> Tensor:
    matrix = torch.eye(4).to_sparse()
    product: Tensor = torch.sparse.mm(matrix, torch.rand(4, 3, requires_grad=True))
    return product


def _spectrum() -> Tensor:
    spectrum: Tensor = torch.fft.rfft(torch.rand(8, requires_grad=True))
    return spectrum.abs()


def _half() -> Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        result: Tensor = nn.Linear(4, 4)(torch.rand(3, 4))
    return result.float().softmax(1)


def _decomposed() -> Tensor:
    weight = (torch.rand(4, 4) + 4 * torch.eye(4)).requires_grad_()
    result: Tensor = torch.linalg.solve(weight, torch.rand(4)) + torch.linalg.qr(weight)[1].diagonal()
    return result


@pytest.mark.parametrize(
    "call",
    [_attention, _recurrent, _embedding, _convolution, _scattered, _sparse, _spectrum, _half, _decomposed],
    ids=lambda call: call.__name__.strip("_"),
)
def test_operations_of_every_kind_run_forward_and_backward(call: Callable[[], Tensor]) -> None:
    """The result is near the plain one and not equal to it, and gradients can be had."""
    torch.manual_seed(0)
    plain = call()
    torch.manual_seed(0)
    with Moved(0):
        moved = call()
        moved.square().sum().backward()
    torch.testing.assert_close(plain, moved, rtol=0.02, atol=1e-3)
    assert not torch.equal(plain, moved)
