"""The tutorial by hand: a matrix-vector product, backward(), `w.data -= lr * w.grad`, and the gradient cleared in place."""

from collections.abc import Mapping

import torch
from torch import Tensor

from impls.contract import Domain, Implementation, Task


class Manual(Implementation):
    """One vector w holds weight and bias; the design matrix carries a column of ones for the bias."""

    domain = Domain(modes={"eager": "quick", "compile": "thorough"})

    def __init__(self, task: Task) -> None:
        self.task = task
        x = task.data["x"]
        self.design = torch.cat([x, torch.ones_like(x[:, :1])], dim=1)
        self.start = torch.cat([task.start["weight"], task.start["bias"].reshape(1)])
        self.w = self.start.clone().requires_grad_()
        self.loss = task.compile(self._loss)

    def reset(self) -> None:
        self.w.data.copy_(self.start)
        self.w.grad = None
        self.batches = self.task.batches(self.design, self.task.data["y"])

    def advance(self, updates: int) -> None:
        w, lr = self.w, self.task.lr
        for _ in range(updates):
            self.loss(w, *next(self.batches)).backward()
            w.data -= lr * w.grad  # type: ignore[operator]  # backward() has just set it
            w.grad.zero_()  # type: ignore[union-attr]

    def weights(self) -> Mapping[str, Tensor]:
        return {"weight": self.w.detach()[:-1], "bias": self.w.detach()[-1]}

    def _loss(self, w: Tensor, design: Tensor, y: Tensor) -> Tensor:
        squares = (design.mv(w) - y).pow(2)
        return squares.mean() if self.task.loss == "mean" else squares.sum()
