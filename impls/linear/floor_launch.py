"""Floor: one launch of a Triton kernel that does nothing for each update."""

from collections.abc import Mapping

import triton  # noqa: F401 - so that the catalogue knows what to install
from torch import Tensor

from impls.contract import Domain, Implementation, Task
from impls.linear.kernels import kernel


class FloorLaunch(Implementation):
    """The least time of an update that is launched from Python."""

    work = "floor"
    domain = Domain(modes={"eager": "standard"}, devices=("cuda",))

    def __init__(self, task: Task) -> None:
        self.task = task

    def reset(self) -> None:
        pass

    def advance(self, updates: int) -> None:
        for _ in range(updates):
            launch()

    def weights(self) -> Mapping[str, Tensor]:
        return dict(self.task.start)


def launch() -> None:
    """Launches one warp that does nothing."""
    _nothing[(1,)](num_warps=1)


@kernel
def _nothing() -> None:
    pass
