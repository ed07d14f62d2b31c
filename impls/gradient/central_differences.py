"""Central differences: two evaluations for each entry of x, for an answer that is only approximate."""

from collections.abc import Mapping

import torch
from torch import Tensor

from impls.contract import Implementation, Task
from impls.setting import Setting


def _epsilon(setting: Setting) -> float:
    return float(torch.finfo(getattr(torch, setting.dtype)).eps)


class CentralDifferences(Implementation):
    """Steps of eps^(1/3) balance the truncation error (h^2) against the rounding error (eps / h)."""

    def __init__(self, task: Task) -> None:
        self.task = task
        x = task.data["x"]
        self.step = _epsilon(task.setting) ** (1 / 3)
        self.steps = self.step * torch.eye(len(x), dtype=x.dtype, device=x.device)
        self.evaluate = task.compile(self._evaluate)

    def reset(self) -> None:
        self.value, self.gradient = self.task.start["value"], self.task.start["gradient"]

    def advance(self, updates: int) -> None:
        for _ in range(updates):
            self.value, self.gradient = self.evaluate(self.task.data["x"])

    def weights(self) -> Mapping[str, Tensor]:
        return {"value": self.value, "gradient": self.gradient}

    def _evaluate(self, x: Tensor) -> tuple[Tensor, Tensor]:
        above = torch.linalg.vector_norm(4 * (x + self.steps), dim=1)
        below = torch.linalg.vector_norm(4 * (x - self.steps), dim=1)
        return torch.linalg.vector_norm(4 * x), (above - below) / (2 * self.step)

    @classmethod
    def tolerance(cls, setting: Setting) -> float | None:
        """Relative to the largest number of the answer: rounding of y over the step, (4 + sqrt(n)) * eps / h.

        The truncation error is smaller: h^2 / ||x||^2 of the gradient.
        """
        epsilon = _epsilon(setting)
        return float((4 + setting.features**0.5) * epsilon ** (2 / 3))
