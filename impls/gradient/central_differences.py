"""Central differences: two evaluations for each entry of x; the answer is approximate."""

from collections.abc import Mapping

import torch
from torch import Tensor

from impls.contract import Domain, Implementation, Task
from impls.contract.setting import Setting


def _epsilon(setting: Setting) -> float:
    return float(torch.finfo(getattr(torch, setting.dtype)).eps)


class CentralDifferences(Implementation):
    """Steps of eps^(1/3) ||x|| balance the truncation error, (h / ||x||)^2, against the rounding error, eps ||x|| / h."""

    domain = Domain(modes={"eager": "quick", "compile": "standard"})

    def __init__(self, task: Task) -> None:
        self.task = task
        x = task.data["x"]
        self.step = _epsilon(task.setting) ** (1 / 3) * float(torch.linalg.vector_norm(x))
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
        """Relative to the largest entry of the gradient, which is at least 4 / sqrt(n).

        With that step, each error is eps^(2/3) times 4, the slope along x; the rounding error is (sqrt(n) / 2 + 3) times
        as large, because of the sum in the norm.
        """
        root = setting.features**0.5
        return float((root / 2 + 4) * root * _epsilon(setting) ** (2 / 3))
