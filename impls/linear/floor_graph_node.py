"""Floor: one node of a CUDA graph an update, each a kernel that does nothing; a hundred to a graph."""

import triton  # noqa: F401 - so that the catalogue knows what to install

from impls.contract import Domain, Task
from impls.linear.cuda_graph import TOGETHER, capture, replay_together
from impls.linear.floor_launch import FloorLaunch, launch


class FloorGraphNode(FloorLaunch):
    """What an update costs at least when it waits for the one before it inside a graph."""

    work = "floor"
    domain = Domain(modes={"eager": "standard"}, devices=("cuda",))

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.graph = capture(launch, TOGETHER)

    def advance(self, updates: int) -> None:
        super().advance(replay_together(self.graph, updates))
