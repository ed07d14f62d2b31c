"""Data path: a DataLoader over a TensorDataset, the way most loops are written: fetched row by row and collated."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from impls.contract import Domain, Task
from impls.linear.analytic import Analytic


class Loader(Analytic):
    """The dataset lies on the CPU, as loaders require; batches go to the device. The rest is as in linear/analytic."""

    domain = Domain(modes={"eager": "standard"}, batches=("mini", "single"))

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.loader = self._loader(TensorDataset(task.data["x"].cpu(), task.data["y"].cpu()))

    def reset(self) -> None:
        super().reset()
        self.batches = self._batches()

    def _batches(self) -> Iterator[tuple[Tensor, ...]]:
        device = self.task.setting.device
        while True:
            for batch in self.loader:
                yield tuple(column.to(device) for column in batch)

    def _rows(self) -> list[Any]:
        assert self.task.order is not None
        rows: list[Any] = self.task.order.tolist()
        return rows

    def _loader(self, dataset: TensorDataset) -> DataLoader[Any]:
        rows = [row for batch in self._rows() for row in batch]
        return DataLoader(dataset, batch_size=self.task.setting.batch_rows, sampler=rows)
