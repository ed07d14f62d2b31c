"""Data path: a DataLoader whose sampler yields whole batches, so that the dataset is indexed once for each."""

from typing import Any

from torch.utils.data import DataLoader, TensorDataset

from impls.contract import Domain
from impls.linear.loader import Loader


class LoaderBatches(Loader):
    """With batch_size=None and a sampler of lists, nothing is fetched row by row or collated."""

    domain = Domain(modes={"eager": "standard"}, batches=("mini", "single"))

    def _loader(self, dataset: TensorDataset) -> DataLoader[Any]:
        return DataLoader(dataset, batch_size=None, sampler=self._rows())
