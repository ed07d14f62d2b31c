"""Peer: scikit-learn's SGDRegressor, one row in each update, in the order of the schedule."""

from collections.abc import Mapping

import numpy as np
import torch
from sklearn.linear_model import SGDRegressor
from torch import Tensor

from impls.contract import Domain, Implementation, Task


class ScikitLearn(Implementation):
    """Its loss is half of the squared residual, so its learning rate is twice ours."""

    domain = Domain(modes={"eager": "standard"}, devices=("cpu",), batches=("single",))

    def __init__(self, task: Task) -> None:
        assert task.order is not None
        self.task = task
        self.x, self.y = task.data["x"].numpy(), task.data["y"].numpy()
        self.order = task.order.numpy()[:, 0]

    def reset(self) -> None:
        start = self.task.start
        self.model = SGDRegressor(
            penalty=None, learning_rate="constant", eta0=2 * self.task.lr, shuffle=False, tol=None, average=False
        )
        self.model.partial_fit(self.x[:1], self.y[:1])  # creates its state, which is then set to the start
        self.model.coef_ = start["weight"].numpy().astype(self.model.coef_.dtype)
        self.model.intercept_ = start["bias"].numpy().reshape(1).astype(self.model.intercept_.dtype)
        self.done = 0

    def advance(self, updates: int) -> None:
        while updates:
            at = self.done % len(self.order)
            rows = self.order[at : at + updates]
            self.model.partial_fit(self.x[rows], self.y[rows])
            self.done += len(rows)
            updates -= len(rows)

    def weights(self) -> Mapping[str, Tensor]:
        dtype = np.dtype(self.task.setting.dtype)
        weight, bias = self.model.coef_.astype(dtype), self.model.intercept_.astype(dtype)
        return {"weight": torch.from_numpy(weight), "bias": torch.from_numpy(bias)[0]}
