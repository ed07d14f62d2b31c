"""Peer: the same loop in Python, compiled by Numba; its threads share the rows when there are several."""

from collections.abc import Mapping
from typing import Any

import numba
import numpy as np
import torch
from torch import Tensor

from impls.contract import Domain, Implementation, Task


def _train(x: Any, y: Any, order: Any, start: int, w: Any, step: Any, updates: int) -> None:
    batch, features = order.shape[1], x.shape[1]
    weight, bias = w[:-1].copy(), w[-1]
    slope = np.empty_like(weight)
    for update in range(start, start + updates):
        rows = order[update % len(order)]
        slope[:] = 0
        total = bias * 0
        for k in range(batch):
            i = rows[k]
            residual = bias - y[i]
            for j in range(features):
                residual += x[i, j] * weight[j]
            for j in range(features):
                slope[j] += residual * x[i, j]
            total += residual
        for j in range(features):
            weight[j] -= step * slope[j]
        bias -= step * total
    w[:-1], w[-1] = weight, bias


def _train_line(x: Any, y: Any, w: Any, step: Any, updates: int) -> None:
    """One feature, all rows: both sums in one pass. Under `parallel` the rows are shared among threads."""
    weight, bias = w[0], w[1]
    for _ in range(updates):
        slope = total = bias * 0
        for i in numba.prange(len(x)):
            residual = x[i] * weight + (bias - y[i])
            slope += residual * x[i]
            total += residual
        weight -= step * slope
        bias -= step * total
    w[0], w[1] = weight, bias


class Numba(Implementation):
    """fastmath lets sums be vectorised, as in the C arm. Mini-batches and several features use one thread."""

    domain = Domain(modes={"eager": "standard"}, devices=("cpu",))

    def __init__(self, task: Task) -> None:
        self.task, threads = task, task.setting.threads
        self.x, self.y = task.data["x"].numpy(), task.data["y"].numpy()
        self.line = task.order is None and task.setting.features == 1
        rows = np.arange(len(self.y))[None]
        self.order = rows if task.order is None else task.order.numpy()
        scale = 2 * task.lr / (task.setting.batch_rows if task.loss == "mean" else 1)
        self.step = self.x.dtype.type(scale)
        self.train: Any = numba.njit(fastmath=True, parallel=self.line and threads > 1)(
            _train_line if self.line else _train
        )

    def reset(self) -> None:
        start = self.task.start
        self.w = np.append(start["weight"].numpy(), start["bias"].numpy()[()])
        self.done = 0

    def advance(self, updates: int) -> None:
        if self.line:
            self.train(self.x[:, 0], self.y, self.w, self.step, updates)
        else:
            self.train(self.x, self.y, self.order, self.done, self.w, self.step, updates)
        self.done += updates

    def weights(self) -> Mapping[str, Tensor]:
        w = torch.from_numpy(self.w)
        return {"weight": w[:-1], "bias": w[-1]}
