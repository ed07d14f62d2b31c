"""Data path: the plain DataLoader with a worker process that fetches ahead; every batch crosses between processes."""

from typing import Any

from torch.utils.data import DataLoader, TensorDataset

from impls.contract import Domain
from impls.linear.loader import Loader


class LoaderWorkers(Loader):
    """The worker is spawned, not forked, because a fork of a process with threads may hang. It lives as long as the arm."""

    domain = Domain(modes={"eager": "standard"}, batches=("mini", "single"))

    def _loader(self, dataset: TensorDataset) -> DataLoader[Any]:
        return DataLoader(
            dataset,
            batch_size=self.task.setting.batch_rows,
            sampler=[row for batch in self._rows() for row in batch],
            num_workers=1,
            persistent_workers=True,
            multiprocessing_context="forkserver",
        )
