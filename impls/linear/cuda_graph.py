"""nn.Linear, MSELoss and SGD, the whole step captured in one CUDA graph: forward pass, backward() and optimizer."""

from collections.abc import Callable

import torch
from torch import Tensor

from impls.contract import Domain, Task
from impls.linear.nn_sgd import ModuleWithSGD

TOGETHER = 32  # updates in one graph, where a graph holds several; a power of two, for they are counted by these
WARM_UP = 3  # calls before a capture, in which whatever is made at first use is made; PyTorch's own advice


class CUDAGraphStep(ModuleWithSGD):
    """One replay for each update. The number of the next batch lies on the device, so that every replay finds the next one."""

    domain = Domain(modes={"eager": "standard"}, devices=("cuda",))

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.fetch = BatchesOnDevice(task, *self.columns)
        self.graph = capture(self._whole_step, 1)

    def reset(self) -> None:
        super().reset()
        self.fetch.reset()

    def advance(self, updates: int) -> None:
        for _ in range(updates):
            self.graph.replay()

    def _whole_step(self) -> None:
        self.loss(*self.fetch()).backward()
        self.step()
        # At the end, because a capture must begin without gradients: backward() then makes them in the graph's memory.
        self.optimizer.zero_grad()


class BatchesOnDevice:
    """Yields the rows of each update in turn with operations on the device only, which can be captured and replayed."""

    def __init__(self, task: Task, *columns: Tensor) -> None:
        self.order, self.columns = task.order, columns
        self.number = torch.zeros(1, dtype=torch.int64, device=columns[0].device)

    def reset(self) -> None:
        """Goes back to the first batch."""
        self.number.zero_()

    def __call__(self) -> tuple[Tensor, ...]:
        """The columns of the next batch."""
        if self.order is None:
            return self.columns
        rows = self.order.index_select(0, self.number)[0]
        self.number.add_(1).remainder_(len(self.order))
        return tuple(column.index_select(0, rows) for column in self.columns)


def capture(update: Callable[[], object], times: int) -> torch.cuda.CUDAGraph:
    """A CUDA graph of this many calls of `update`, which must read and write the same memory at each call.

    Before the capture, `update` is called a few times.
    """
    beside = torch.cuda.Stream()
    beside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(beside):
        for _ in range(WARM_UP):
            update()
    torch.cuda.current_stream().wait_stream(beside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(times):
            update()
    return graph


def replay_together(graph: torch.cuda.CUDAGraph, updates: int) -> int:
    """Replays a graph of TOGETHER updates as often as it fits; returns how many updates are left."""
    for _ in range(updates // TOGETHER):
        graph.replay()
    return updates % TOGETHER
