"""Data path: the data copied into the order of the schedule in advance, so that every batch is a view."""

from impls.contract import Domain, Task
from impls.linear.analytic import Analytic


class Views(Analytic):
    """Takes one more copy of the data for each epoch of the schedule. All but the fetching is as in linear/analytic."""

    domain = Domain(modes={"eager": "standard", "compile": "standard"}, batches=("mini", "single"))

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        assert task.order is not None
        rows = task.order.flatten()
        columns = (task.data["x"][rows], task.data["y"][rows])
        self.views = list(zip(*(column.split(task.setting.batch_rows) for column in columns), strict=True))

    def reset(self) -> None:
        super().reset()
        self.batches = (batch for _ in iter(int, 1) for batch in self.views)
