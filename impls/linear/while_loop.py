"""The loop inside the compiled program: torch.while_loop around the written-out update, without Python between updates."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from impls.contract import Domain, Implementation, Task
from impls.contract.setting import Setting


class WhileLoop(Implementation):
    """The counter is a tensor on the CPU: an int crashes the compiler, and one on the GPU would be read in every update.

    With cpp-wrapper the loop is C++, so that an update takes about a microsecond besides its arithmetic.
    """

    domain = Domain(modes={"compile": "thorough", "cpp-wrapper": "standard", "aot": "thorough"})

    def __init__(self, task: Task) -> None:
        self.task, self.step = task, task.step
        self.x, self.y = task.data["x"], task.data["y"]
        self.loop = task.compile(self._loop if task.order is None else self._loop_over_batches)

    def reset(self) -> None:
        self.weight, self.bias = self.task.start["weight"].clone(), self.task.start["bias"].clone()
        self.done = torch.zeros((), dtype=torch.int64)

    @torch.no_grad()
    def advance(self, updates: int) -> None:
        more = () if self.task.order is None else (self.task.order,)
        end = self.done + updates
        self.weight, self.bias = self.loop(self.done, end, self.weight, self.bias, self.x, self.y, *more)
        self.done = end

    def weights(self) -> Mapping[str, Tensor]:
        return {"weight": self.weight, "bias": self.bias}

    @classmethod
    def supports(cls, setting: Setting) -> str | None:
        on_gpu = setting.device != "cpu" and setting.batch != "full"
        return "takes full batches only on a GPU: the counter that picks the batch lies on the CPU" if on_gpu else None

    def _loop(
        self, done: Tensor, end: Tensor, weight: Tensor, bias: Tensor, x: Tensor, y: Tensor
    ) -> tuple[Tensor, ...]:
        def body(done: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            return done + 1, *self._update(weight, bias, x, y)

        return self._run(done, end, weight, bias, body)

    def _loop_over_batches(
        self, done: Tensor, end: Tensor, weight: Tensor, bias: Tensor, x: Tensor, y: Tensor, order: Tensor
    ) -> tuple[Tensor, ...]:
        def body(done: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            rows = order.index_select(0, (done % len(order)).reshape(1))[0]
            return done + 1, *self._update(weight, bias, x[rows], y[rows])

        return self._run(done, end, weight, bias, body)

    @staticmethod
    def _run(
        done: Tensor, end: Tensor, weight: Tensor, bias: Tensor, body: Callable[..., tuple[Tensor, ...]]
    ) -> tuple[Tensor, Tensor]:
        _, weight, bias = torch.while_loop(lambda done, *_: done < end, body, (done.clone(), weight, bias))
        return weight, bias

    def _update(self, weight: Tensor, bias: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        if x.shape[1] == 1:  # pointwise, so that both sums are taken in one pass over the data
            residual = x[:, 0] * weight + (bias - y)
            return weight - self.step * (residual * x[:, 0]).sum(), bias - self.step * residual.sum()
        residual = x.mv(weight) + (bias - y)
        return weight - self.step * (residual @ x), bias - self.step * residual.sum()
