"""One launch of a Triton kernel for each update: each program reads its rows once, the last to finish changes the weights."""

from collections.abc import Mapping

import torch
import triton.language as tl
from torch import Tensor

from impls.contract import Domain, Implementation, Task
from impls.contract.setting import Setting
from impls.linear import kernels
from impls.linear.kernels import errors, kernel, load_rows, load_weights, store_weights, sum_programs, sum_rows, zeros


class TritonUpdate(Implementation):
    """The number of the next batch lies on the device, and the kernel increases it, so that all launches are the same."""

    domain = Domain(modes={"eager": "standard"}, devices=("cuda",))

    def __init__(self, task: Task) -> None:
        self.task = task
        self.x, self.y = task.data["x"], task.data["y"]
        self.weight, self.bias = task.start["weight"].clone(), task.start["bias"].clone()
        self.count = task.setting.batch_rows
        self.tiles = share_out(task)
        self.sums, self.arrived = self.tiles.room(self.x)
        self.number = None if task.order is None else torch.zeros(1, dtype=torch.int64, device=self.x.device)
        self.step = task.step

    def reset(self) -> None:
        self.weight.copy_(self.task.start["weight"])
        self.bias.copy_(self.task.start["bias"])
        if self.number is not None:
            self.number.zero_()

    def advance(self, updates: int) -> None:
        for _ in range(updates):
            self.launch()

    def weights(self) -> Mapping[str, Tensor]:
        return {"weight": self.weight, "bias": self.bias}

    @classmethod
    def supports(cls, setting: Setting) -> str | None:
        return kernels.too_wide(setting.features)

    def launch(self) -> None:
        """Launches one update."""
        order = self.task.order
        _update[(self.tiles.programs,)](
            *(self.x, self.y, self.weight, self.bias, self.sums, self.arrived, order, self.number),
            count=self.count,
            cycle=1 if order is None else len(order),
            step=self.step,
            features=self.x.shape[1],
            together=self.tiles.together,
            **self.tiles.sizes,
        )


def share_out(task: Task) -> kernels.Tiles:
    """How the rows of a batch are divided among the processors."""
    found = kernels.processors(task.setting.device, without_gpu=4)
    return kernels.streaming_tiles(task.setting.batch_rows, task.setting.features, found)


@kernel
def _update(
    x: tl.tensor,
    y: tl.tensor,
    weight: tl.tensor,
    bias: tl.tensor,
    sums: tl.tensor,
    arrived: tl.tensor,
    order: tl.tensor,
    number: tl.tensor,
    count: tl.constexpr,
    cycle: tl.constexpr,
    step: tl.constexpr,
    features: tl.constexpr,
    together: tl.constexpr,
    rows: tl.constexpr,
    columns: tl.constexpr,
    programs: tl.constexpr,
) -> None:
    old_weight, old_bias = load_weights(weight, bias, features, columns)
    batch = number
    if number is not None:
        batch = tl.load(number)
    products, residuals = zeros(x, rows, columns)
    for turn in range((count + programs * rows - 1) // (programs * rows)):
        first = (tl.program_id(0) + turn * programs) * rows
        values, targets, there = load_rows(x, y, order, batch, first, count, features, rows, columns)
        more_products, more_residuals = errors(values, targets, there, old_weight, old_bias, columns)
        products += more_products
        residuals += more_residuals
    of_weight, of_bias = sum_rows(products, residuals, columns)
    is_last = True
    if programs > 1:
        mine = sums + tl.program_id(0) * (features + 1)
        store_weights(mine, mine + features, of_weight, of_bias, features, columns)
        tl.debug_barrier()  # all threads store before one of them counts the program as done
        is_last = tl.atomic_add(arrived, 1, sem="acq_rel") == programs - 1
    tl.debug_barrier()  # no thread stores new weights before all threads have loaded the old ones
    if is_last:
        if programs > 1:
            of_weight, of_bias = sum_programs(sums, features, columns, programs, together)
            tl.store(arrived, 0)
        store_weights(weight, bias, old_weight - step * of_weight, old_bias - step * of_bias, features, columns)
        if number is not None:
            tl.store(number, (batch + 1) % cycle)
