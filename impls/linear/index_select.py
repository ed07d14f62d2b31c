"""Data path: each batch fetched by index_select, which checks less than indexing with brackets."""

from itertools import cycle

from impls.contract import Domain
from impls.linear.analytic import Analytic


class IndexSelect(Analytic):
    """Two fetches in each update. All but the fetching is as in linear/analytic."""

    domain = Domain(modes={"eager": "standard"}, batches=("mini", "single"))

    def reset(self) -> None:
        super().reset()
        assert self.task.order is not None
        x, y = self.task.data["x"], self.task.data["y"]
        self.batches = ((x.index_select(0, rows), y.index_select(0, rows)) for rows in cycle(self.task.order))
