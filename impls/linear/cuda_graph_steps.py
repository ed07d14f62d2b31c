"""The written-out gradient in place, a hundred updates in one CUDA graph: one replay for all of them, no autograd."""

from impls.contract import Domain, Task
from impls.linear.cuda_graph import TOGETHER, BatchesOnDevice, capture, replay_together
from impls.linear.in_place import InPlace


class CUDAGraphSteps(InPlace):
    """The remaining updates are replays of a graph of one update. The arithmetic is that of linear/in_place."""

    domain = Domain(modes={"eager": "standard"}, devices=("cuda",))

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.fetch = BatchesOnDevice(task, task.data["x"], task.data["y"])
        self.one, self.many = capture(self._next_update, 1), capture(self._next_update, TOGETHER)

    def reset(self) -> None:
        super().reset()
        self.fetch.reset()

    def advance(self, updates: int) -> None:
        for _ in range(replay_together(self.many, updates)):
            self.one.replay()

    def _next_update(self) -> None:
        self._update(self.weight, self.bias, self.residual, *self.fetch())
