"""Peer: the same loop in Python, compiled by Numba; several threads divide the rows among them."""

from collections.abc import Mapping
from typing import Any

import numba
import numpy as np
import torch
from torch import Tensor

from impls.contract import Domain, Implementation, Task


def _train(x: Any, y: Any, order: Any, number: int, w: Any, step: Any, updates: int) -> None:
    """Any number of features, any batches; `number` is the first batch's place in `order` (cycle, batch)."""
    batch, features = order.shape[1], x.shape[1]
    weight, bias = w[:-1].copy(), w[-1]
    slope = np.empty_like(weight)
    for _ in range(updates):
        slope[:] = 0
        total = bias - bias
        for k in range(batch):
            i = order[number, k]
            residual = bias - y[i]
            for j in range(features):
                residual += x[i, j] * weight[j]
            for j in range(features):
                slope[j] += residual * x[i, j]
            total += residual
        for j in range(features):
            weight[j] -= step * slope[j]
        bias -= step * total
        number = number + 1 if number + 1 < len(order) else 0
    w[:-1], w[-1] = weight, bias


def _train_batches(x: Any, y: Any, order: Any, number: int, w: Any, step: Any, updates: int) -> None:
    """One feature: both sums of a batch in one pass."""
    weight, bias = w[0], w[1]
    for _ in range(updates):
        slope = total = bias - bias
        for k in range(order.shape[1]):
            i = order[number, k]
            residual = x[i, 0] * weight + (bias - y[i])
            slope += residual * x[i, 0]
            total += residual
        weight -= step * slope
        bias -= step * total
        number = number + 1 if number + 1 < len(order) else 0
    w[0], w[1] = weight, bias


def _train_all(x: Any, y: Any, w: Any, step: Any, updates: int) -> None:
    """One feature, all rows: both sums in one pass. With `parallel`, the rows are divided among threads.

    The sums start at bias - bias, a zero of the data's type: 0 would make them float64, and twice as slow.
    """
    weight, bias = w[0], w[1]
    for _ in range(updates):
        slope = total = bias - bias
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
        line = task.setting.features == 1
        self.all_rows = line and task.order is None
        rows = np.arange(len(self.y))[None]
        self.order = rows if task.order is None else task.order.numpy()
        self.step = self.x.dtype.type(task.step)
        loop = _train_all if self.all_rows else _train_batches if line else _train
        self.train: Any = numba.njit(fastmath=True, parallel=self.all_rows and threads > 1)(loop)

    def reset(self) -> None:
        start = self.task.start
        self.w = np.append(start["weight"].numpy(), start["bias"].numpy()[()])
        self.done = 0

    def advance(self, updates: int) -> None:
        if self.all_rows:
            self.train(self.x.reshape(-1), self.y, self.w, self.step, updates)
        else:
            self.train(self.x, self.y, self.order, self.done % len(self.order), self.w, self.step, updates)
        self.done += updates

    def weights(self) -> Mapping[str, Tensor]:
        w = torch.from_numpy(self.w)
        return {"weight": w[:-1], "bias": w[-1]}
