"""What the Triton kernels share: how rows are shared out to programs, and the parts that kernels are made of.

No float is added atomically: every sum has a fixed order, so that two runs agree to the last bit. Nothing here asks for a
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
LEAST_TILE = 1024  # numbers of x; smaller programs would wait for each other longer than they save
LARGEST_TILE = 4096  # numbers of x that a program holds at a time while it streams through its rows
ON_CHIP_BYTES = 65_536  # of x that a program can keep in registers: a quarter of what a multiprocessor has

# triton.jit as types know it, for Triton has none. No number of updates is worth a kernel compiled for it.
kernel: Callable[[Callable[..., Any]], Any] = triton.jit(do_not_specialize=["updates"])


@dataclass(frozen=True)
class Tiles:
    """How rows are shared out: `programs` programs take tiles of `rows` rows and `columns` columns in turn.

    rows, columns  powers of two; what lies beyond the data is masked
    """

    rows: int
    columns: int
    programs: int

    @property
    def warps(self) -> int:
        """The warps of a program: four numbers of its tile for each thread, more where that makes over 16 warps."""
        return min(16, max(1, self.rows * self.columns // 128))

    @property
    def sizes(self) -> dict[str, int]:
        """What every kernel is compiled for."""
        return {"rows": self.rows, "columns": self.columns, "programs": self.programs, "num_warps": self.warps}

    @property
    def together(self) -> int:
        """How many programs' sums are read at a time: as many as make a streaming tile."""
        return int(min(triton.next_power_of_2(self.programs), max(1, LARGEST_TILE // self.columns)))

    def room(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Room for each program's sums, twice, and a count of arrivals, so long that a barrier need not set it back."""
        sums = torch.zeros(2, self.programs, x.shape[1] + 1, dtype=x.dtype, device=x.device)
        return sums, torch.zeros(1, dtype=torch.int64, device=x.device)


def streaming_tiles(count: int, features: int, processors: int) -> Tiles:
    """Tiles for `count` rows of any number: the more the rows, the more tiles each program takes."""
    rows, columns = _tile(count, features, processors, LARGEST_TILE)
    tiles = triton.cdiv(count, rows)
    each = triton.cdiv(tiles, processors * max(1, 8 // columns))
    return Tiles(rows, columns, triton.cdiv(tiles, each))


def resident_tiles(count: int, features: int, processors: int, bytes_each: int) -> Tiles:
    """One tile for each program, and one program at most for each processor; see `most_resident_rows`."""
    rows, columns = _tile(count, features, processors, ON_CHIP_BYTES // bytes_each)
    return Tiles(rows, columns, triton.cdiv(count, rows))


def most_resident_rows(features: int, processors: int, bytes_each: int) -> int:
    """The most rows that so many processors can hold at once."""
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
    """None, or why rows of so many features are too long."""
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
    """The rows first, first + 1, ... of a batch, and which of them there are; zeros in place of the others."""
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
    """Weight and bias."""
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
    """Weight and bias, or what is to be added to each."""
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
    """Two sums at once."""
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
    """What all programs handed in, added up in the order of their numbers, whoever does it and whenever."""
    products, residuals = zeros(sums, together, columns)
    for first in range(0, programs, together):
        program = first + tl.arange(0, together)
        there = program < programs
        at = sums + program * (features + 1)
        # Past the first-level cache, which does not see what other processors write.
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
    """How many have arrived when all programs have crossed the barrier once more; to be asked before the first time."""
    return (tl.load(arrived, volatile=True) // programs + 1) * programs


@kernel
def cross(arrived: tl.tensor, everyone: tl.tensor) -> None:
    """Waits until `everyone` has arrived; what programs stored before can be read after. The count is never set back."""
    tl.debug_barrier()  # all threads have stored before one of them says that the program is here
    tl.atomic_add(arrived, 1, sem="release")
    seen = everyone - 1
    while seen < everyone:
        seen = tl.atomic_add(arrived, 0, sem="acquire")  # a load, but Triton's loads promise no order
    tl.debug_barrier()
