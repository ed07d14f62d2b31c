"""Floor: a Triton kernel that only reads x and y and adds, once in each update; a hundred launches in one CUDA graph."""

from collections.abc import Mapping
from functools import partial

import torch
import triton.language as tl
from torch import Tensor

from impls.contract import Domain, Implementation, Task
from impls.contract.setting import Setting
from impls.linear.cuda_graph import TOGETHER, capture, replay_together
from impls.linear.kernels import Tiles, kernel, load_rows, too_wide, zeros
from impls.linear.triton_update import share_out


class FloorReadTriton(Implementation):
    """Rows are divided as in the arms that train. Each stored sum keeps the compiler from leaving out the reads."""

    work = "floor"
    reads_data = True
    domain = Domain(modes={"eager": "standard"}, devices=("cuda",), batches=("full",))

    def __init__(self, task: Task) -> None:
        self.task = task
        tiles = share_out(task)
        self.sums = torch.zeros(tiles.programs, dtype=task.data["x"].dtype, device=task.data["x"].device)
        self.read = partial(read, tiles, task.data["x"], task.data["y"], self.sums)
        self.graph = capture(self.read, TOGETHER)

    def reset(self) -> None:
        pass

    def advance(self, updates: int) -> None:
        for _ in range(replay_together(self.graph, updates)):
            self.read()

    def weights(self) -> Mapping[str, Tensor]:
        return dict(self.task.start)

    @classmethod
    def supports(cls, setting: Setting) -> str | None:
        return too_wide(setting.features)


def read(tiles: Tiles, x: Tensor, y: Tensor, sums: Tensor) -> None:
    """Launches the kernel: each program stores the sum of what it read in its place of `sums`."""
    _read[(tiles.programs,)](x, y, sums, count=len(x), features=x.shape[1], **tiles.sizes)


@kernel
def _read(
    x: tl.tensor,
    y: tl.tensor,
    sums: tl.tensor,
    count: tl.constexpr,
    features: tl.constexpr,
    rows: tl.constexpr,
    columns: tl.constexpr,
    programs: tl.constexpr,
) -> None:
    of_x, of_y = zeros(x, rows, columns)
    for turn in range((count + programs * rows - 1) // (programs * rows)):
        first = (tl.program_id(0) + turn * programs) * rows
        values, targets, _ = load_rows(x, y, None, None, first, count, features, rows, columns)
        of_x += values
        of_y += targets
    tl.store(sums + tl.program_id(0), tl.sum(of_x) + tl.sum(of_y))
