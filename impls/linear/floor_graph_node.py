"""Floor: one kernel that does nothing for each update, as a node of a CUDA graph of a hundred."""

import triton  # noqa: F401 - so that the catalogue knows what to install

from impls.contract import Domain, Task
from impls.linear.cuda_graph import TOGETHER, capture, replay_together
from impls.linear.floor_launch import FloorLaunch, launch


class FloorGraphNode(FloorLaunch):
    """The least time of an update that waits, within a graph, for the one before it."""

    work = "floor"
    domain = Domain(modes={"eager": "standard"}, devices=("cuda",))

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.graph = capture(launch, TOGETHER)

    def advance(self, updates: int) -> None:
        super().advance(replay_together(self.graph, updates))
