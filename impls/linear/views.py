"""Data path: the data laid out in the order of the schedule beforehand, so that every batch is a view and nothing is copied."""

from impls.contract import Domain, Task
from impls.linear.analytic import Analytic


class Views(Analytic):
    """Takes as much memory again as there are epochs in the schedule; everything but the fetching is linear/analytic."""

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
