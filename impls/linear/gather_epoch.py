"""Data path: all rows of an epoch fetched in order by one indexing, then batches as views of them."""

from collections.abc import Iterator

from torch import Tensor

from impls.contract import Domain
from impls.linear.analytic import Analytic


class GatherEpoch(Analytic):
    """The cost of shuffling once in each epoch. All but the fetching is as in linear/analytic."""

    domain = Domain(modes={"eager": "standard"}, batches=("mini", "single"))

    def reset(self) -> None:
        super().reset()
        self.batches = self._epochs()

    def _epochs(self) -> Iterator[tuple[Tensor, ...]]:
        assert self.task.order is not None
        batch = self.task.setting.batch_rows
        an_epoch = self.task.setting.rows // batch
        while True:
            for rows in self.task.order.split(an_epoch):
                columns = (column[rows.flatten()].split(batch) for column in (self.task.data["x"], self.task.data["y"]))
                yield from zip(*columns, strict=True)
