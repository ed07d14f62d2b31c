"""The kernel of linear/triton_update, a hundred launches in one CUDA graph: one call from Python for all of them."""

import triton  # noqa: F401 - so that the catalogue knows what to install

from impls.contract import Domain, Task
from impls.linear.cuda_graph import TOGETHER, capture, replay_together
from impls.linear.triton_update import TritonUpdate


class TritonGraph(TritonUpdate):
    """The remaining updates are launched one by one."""

    domain = Domain(modes={"eager": "standard"}, devices=("cuda",))

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.graph = capture(self.launch, TOGETHER)

    def advance(self, updates: int) -> None:
        super().advance(replay_together(self.graph, updates))
