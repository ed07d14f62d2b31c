"""Floor: only the barrier of linear/triton_persistent, crossed once in each update by as many programs."""

from collections.abc import Mapping

import triton.language as tl
from torch import Tensor

from impls.contract import Domain
from impls.contract.setting import Setting
from impls.linear.kernels import cross, kernel, next_crossing
from impls.linear.triton_persistent import TritonPersistent, share_out


class FloorBarrier(TritonPersistent):
    """Without the barrier, no program could know the sums of the others."""

    work = "floor"
    domain = Domain(modes={"eager": "standard"}, devices=("cuda",), batches=("full",))

    def advance(self, updates: int) -> None:
        _crossings[(self.tiles.programs,)](
            *(self.arrived, updates),
            programs=self.tiles.programs,
            num_warps=self.tiles.warps,
            launch_cooperative_grid=self.arrived.is_cuda,
        )

    def weights(self) -> Mapping[str, Tensor]:
        return dict(self.task.start)

    @classmethod
    def supports(cls, setting: Setting) -> str | None:
        if share_out(setting).programs == 1:
            return "is no floor of one program, which waits for no other"
        return super().supports(setting)


@kernel
def _crossings(arrived: tl.tensor, updates: tl.tensor, programs: tl.constexpr) -> None:
    everyone = next_crossing(arrived, programs)
    update = 0
    while update < updates:  # range() would be refused by the interpreter under NumPy 2.4
        cross(arrived, everyone)
        everyone += programs
        update += 1
