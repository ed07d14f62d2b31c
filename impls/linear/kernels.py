"""Parts of the Triton kernels: how rows are divided among programs, and what the kernels have in common.

No float is added atomically: every sum has a fixed order, so that two runs agree to the last bit. Nothing here needs a
GPU: with TRITON_INTERPRET=1 in the environment the same code runs on tensors of the CPU.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

MOST_FEATURES = 1024
LEAST_TILE = 1024  # numbers of x; with smaller programs, waiting would take longer than they save
LARGEST_TILE = 4096  # numbers of x that a program holds at a time while it streams through its rows
ON_CHIP_BYTES = 65_536  # of x that a program can keep in registers: a quarter of what a multiprocessor has

# triton.jit as types know it, for Triton has none. No number of updates is worth a kernel compiled for it.
kernel: Callable[[Callable[..., Any]], Any] = triton.jit(do_not_specialize=["updates"])


@dataclass(frozen=True)
class Tiles:
    """How rows are divided: `programs` programs take tiles of `rows` rows and `columns` columns in turn.

    rows, columns  powers of two; entries beyond the data are masked
    """

    rows: int
    columns: int
    programs: int

    @property
    def warps(self) -> int:
        """The warps of a program: four numbers of its tile for each thread, or more numbers where that takes over 16 warps."""
        return min(16, max(1, self.rows * self.columns // 128))

    @property
    def sizes(self) -> dict[str, int]:
        """The constants that every kernel is compiled with."""
        return {"rows": self.rows, "columns": self.columns, "programs": self.programs, "num_warps": self.warps}

    @property
    def together(self) -> int:
        """The number of programs whose sums are read at a time: as many as fit into a streaming tile."""
        return int(min(triton.next_power_of_2(self.programs), max(1, LARGEST_TILE // self.columns)))

    def room(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Memory for two sets of each program's sums, and for a count of arrivals that is large enough never to be reset."""
        sums = torch.zeros(2, self.programs, x.shape[1] + 1, dtype=x.dtype, device=x.device)
        return sums, torch.zeros(1, dtype=torch.int64, device=x.device)


def streaming_tiles(count: int, features: int, processors: int) -> Tiles:
    """Tiles for any number `count` of rows; with more rows, each program takes more tiles."""
    rows, columns = _tile(count, features, processors, LARGEST_TILE)
    tiles = triton.cdiv(count, rows)
    each = triton.cdiv(tiles, processors * max(1, 8 // columns))
    return Tiles(rows, columns, triton.cdiv(tiles, each))


def resident_tiles(count: int, features: int, processors: int, bytes_each: int) -> Tiles:
    """One tile for each program, and at most one program for each processor; see `most_resident_rows`."""
    rows, columns = _tile(count, features, processors, ON_CHIP_BYTES // bytes_each)
    return Tiles(rows, columns, triton.cdiv(count, rows))


def most_resident_rows(features: int, processors: int, bytes_each: int) -> int:
    """The most rows that this many processors can hold at once."""
    return int(processors * (ON_CHIP_BYTES // bytes_each // triton.next_power_of_2(features)))


def _tile(count: int, features: int, processors: int, largest: int) -> tuple[int, int]:
    columns = triton.next_power_of_2(features)
    rows = max(triton.next_power_of_2(triton.cdiv(count, processors)), LEAST_TILE // columns)
    return max(1, min(rows, triton.next_power_of_2(count), largest // columns)), columns


def processors(device: str, without_gpu: int) -> int:
    """The multiprocessors of a GPU; `without_gpu` on the CPU, where programs run one after another."""
    if device != "cuda":
        return without_gpu
    return int(torch.cuda.get_device_properties(device).multi_processor_count)


def too_wide(features: int) -> str | None:
    """Why rows of this many features are too long; None when they are not."""
    if features <= MOST_FEATURES:
        return None
    return f"takes at most {MOST_FEATURES} features, for a program holds whole rows; there are {features}"


# Rows of one feature are vectors, not tiles of one column: then weights and sums are scalars, which need not travel
# between threads, and both sums are taken together.


@kernel
def zeros(like: tl.tensor, rows: tl.constexpr, columns: tl.constexpr) -> Any:
    """A tile, and a number for each of its rows."""
    tile = tl.zeros([rows], like.dtype.element_ty) if columns == 1 else tl.zeros([rows, columns], like.dtype.element_ty)
    return tile, tl.zeros([rows], like.dtype.element_ty)


@kernel
def load_rows(
    x: tl.tensor,
    y: tl.tensor,
    order: tl.tensor,
    batch: tl.tensor,
    first: tl.tensor,
    count: tl.tensor,
    features: tl.constexpr,
    rows: tl.constexpr,
    columns: tl.constexpr,
) -> Any:
    """The rows first, first + 1, ... of a batch, and a mask of those that exist; the others are zeros."""
    place = first + tl.arange(0, rows).to(tl.int64)  # rows times features may be more than 32 bits can count
    there = place < count
    row = place
    if order is not None:
        row = tl.load(order + batch * count + place, mask=there, other=0)
    if columns == 1:
        values = tl.load(x + row, mask=there, other=0.0)
    else:
        column = tl.arange(0, columns)
        inside = there[:, None] & (column < features)[None, :]
        values = tl.load(x + row[:, None] * features + column[None, :], mask=inside, other=0.0)
    return values, tl.load(y + row, mask=there, other=0.0), there


@kernel
def load_weights(weight: tl.tensor, bias: tl.tensor, features: tl.constexpr, columns: tl.constexpr) -> Any:
    """Loads weight and bias."""
    if columns == 1:
        found = tl.load(weight)
    else:
        column = tl.arange(0, columns)
        found = tl.load(weight + column, mask=column < features, other=0.0)
    return found, tl.load(bias)


@kernel
def store_weights(
    weight: tl.tensor,
    bias: tl.tensor,
    of_weight: tl.tensor,
    of_bias: tl.tensor,
    features: tl.constexpr,
    columns: tl.constexpr,
) -> None:
    """Stores weight and bias, or what is to be added to each."""
    if columns == 1:
        tl.store(weight, of_weight)
    else:
        column = tl.arange(0, columns)
        tl.store(weight + column, of_weight, mask=column < features)
    tl.store(bias, of_bias)


@kernel
def errors(
    values: tl.tensor, targets: tl.tensor, there: tl.tensor, weight: tl.tensor, bias: tl.tensor, columns: tl.constexpr
) -> Any:
    """r * x and r, where r is the residual of a row."""
    if columns == 1:
        residuals = tl.where(there, values * weight + bias - targets, 0.0)
        products = residuals * values
    else:
        residuals = tl.where(there, tl.sum(values * weight[None, :], axis=1) + bias - targets, 0.0)
        products = residuals[:, None] * values
    return products, residuals


@kernel
def add_both(a: tl.tensor, b: tl.tensor, c: tl.tensor, d: tl.tensor) -> Any:
    """Adds two pairs of sums."""
    return a + c, b + d


@kernel
def sum_rows(products: tl.tensor, residuals: tl.tensor, columns: tl.constexpr) -> Any:
    """Both sums over all rows."""
    if columns == 1:
        of_weight, of_bias = tl.reduce((products, residuals), 0, add_both)
    else:
        of_weight = tl.sum(products, axis=0)
        of_bias = tl.sum(residuals, axis=0)
    return of_weight, of_bias


@kernel
def sum_programs(
    sums: tl.tensor, features: tl.constexpr, columns: tl.constexpr, programs: tl.constexpr, together: tl.constexpr
) -> Any:
    """The sums of all programs, added in the order of their numbers, so that the result is always the same."""
    products, residuals = zeros(sums, together, columns)
    for first in range(0, programs, together):
        program = first + tl.arange(0, together)
        there = program < programs
        at = sums + program * (features + 1)
        # Bypasses the first-level cache, which does not see the writes of other processors.
        if columns == 1:
            products += tl.load(at, mask=there, other=0.0, cache_modifier=".cg")
        else:
            column = tl.arange(0, columns)
            inside = there[:, None] & (column < features)[None, :]
            products += tl.load(at[:, None] + column[None, :], mask=inside, other=0.0, cache_modifier=".cg")
        residuals += tl.load(at + features, mask=there, other=0.0, cache_modifier=".cg")
    return sum_rows(products, residuals, columns)


@kernel
def next_crossing(arrived: tl.tensor, programs: tl.constexpr) -> Any:
    """The count of arrivals after all programs have crossed the barrier once more; computed before the first crossing."""
    return (tl.load(arrived, volatile=True) // programs + 1) * programs


@kernel
def cross(arrived: tl.tensor, everyone: tl.tensor) -> None:
    """Waits until `everyone` has arrived. Stores before it can be read after it. The count is never reset."""
    tl.debug_barrier()  # all threads store before one of them counts the program as arrived
    tl.atomic_add(arrived, 1, sem="release")
    seen = everyone - 1
    while seen < everyone:
        seen = tl.atomic_add(arrived, 0, sem="acquire")  # used as a load, because Triton's loads have no defined order
    tl.debug_barrier()
