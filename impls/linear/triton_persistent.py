"""All updates in one Triton kernel: data stays in registers, programs meet at a barrier in every update."""

from collections.abc import Mapping

import torch
import triton.language as tl
from torch import Tensor

from impls.contract import Domain, Implementation, Task
from impls.contract.setting import Setting
from impls.linear import kernels
from impls.linear.kernels import (
    cross,
    errors,
    kernel,
    load_rows,
    load_weights,
    next_crossing,
    store_weights,
    sum_programs,
    sum_rows,
)

COOPERATIVE = (6, 0)  # the first compute capability whose launches can be refused when not all programs can run at once


class TritonPersistent(Implementation):
    """Each program adds up the sums of all programs in the same order, so that all have exactly the same weights."""

    domain = Domain(modes={"eager": "standard"}, devices=("cuda",), batches=("full",))

    def __init__(self, task: Task) -> None:
        self.task = task
        self.x, self.y = task.data["x"], task.data["y"]
        self.weight, self.bias = task.start["weight"].clone(), task.start["bias"].clone()
        self.tiles = share_out(task.setting)
        self.sums, self.arrived = self.tiles.room(self.x)
        self.step = task.step

    def reset(self) -> None:
        self.weight.copy_(self.task.start["weight"])
        self.bias.copy_(self.task.start["bias"])

    def advance(self, updates: int) -> None:
        _updates[(self.tiles.programs,)](
            *(self.x, self.y, self.weight, self.bias, self.sums, self.arrived, updates),
            count=len(self.x),
            step=self.step,
            features=self.x.shape[1],
            together=self.tiles.together,
            **self.tiles.sizes,
            launch_cooperative_grid=self.x.is_cuda,
        )

    def weights(self) -> Mapping[str, Tensor]:
        return {"weight": self.weight, "bias": self.bias}

    @classmethod
    def supports(cls, setting: Setting) -> str | None:
        if setting.device == "cuda" and torch.cuda.get_device_capability() < COOPERATIVE:
            return "needs a GPU with cooperative launches: compute capability 6.0 or newer"
        most = kernels.most_resident_rows(setting.features, _processors(setting), _bytes_each(setting))
        if setting.features <= kernels.MOST_FEATURES and setting.rows > most:
            return (
                f"keeps all data on chip: at most {most} rows here with features {setting.features} "
                f"and dtype {setting.dtype}; there are {setting.rows}"
            )
        return kernels.too_wide(setting.features)


def share_out(setting: Setting) -> kernels.Tiles:
    """How all rows are divided among the processors."""
    return kernels.resident_tiles(setting.rows, setting.features, _processors(setting), _bytes_each(setting))


def _processors(setting: Setting) -> int:
    return kernels.processors(
        setting.device, without_gpu=1
    )  # programs that run one after another would wait for each other forever


def _bytes_each(setting: Setting) -> int:
    return torch.finfo(getattr(torch, setting.dtype)).bits // 8


@kernel
def _updates(
    x: tl.tensor,
    y: tl.tensor,
    weight: tl.tensor,
    bias: tl.tensor,
    sums: tl.tensor,
    arrived: tl.tensor,
    updates: tl.tensor,
    count: tl.constexpr,
    step: tl.constexpr,
    features: tl.constexpr,
    together: tl.constexpr,
    rows: tl.constexpr,
    columns: tl.constexpr,
    programs: tl.constexpr,
) -> None:
    program = tl.program_id(0)
    own_weight, own_bias = load_weights(weight, bias, features, columns)
    values, targets, there = load_rows(x, y, None, None, program * rows, count, features, rows, columns)
    everyone = next_crossing(arrived, programs)
    update = 0
    while update < updates:  # range() would be refused by the interpreter under NumPy 2.4
        products, residuals = errors(values, targets, there, own_weight, own_bias, columns)
        of_weight, of_bias = sum_rows(products, residuals, columns)
        if programs > 1:
            # All programs have read this half two updates ago, before the barrier that its writer has crossed since.
            half = sums + (update % 2) * programs * (features + 1)
            mine = half + program * (features + 1)
            store_weights(mine, mine + features, of_weight, of_bias, features, columns)
            cross(arrived, everyone)
            everyone += programs
            of_weight, of_bias = sum_programs(half, features, columns, programs, together)
        own_weight -= step * of_weight
        own_bias -= step * of_bias
        update += 1
    tl.debug_barrier()  # no thread stores new weights before all threads have loaded the old ones
    if program == 0:
        store_weights(weight, bias, own_weight, own_bias, features, columns)
