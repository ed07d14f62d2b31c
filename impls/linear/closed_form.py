"""Algorithmic: the eigenvalues of X'X once, then any number of updates by one formula, without a loop."""

from collections.abc import Mapping

import torch
from torch import Tensor

from impls.contract import Domain, Implementation, Task
from impls.linear.moments import moments_of


class ClosedForm(Implementation):
    """Along an eigenvector of the Hessian with eigenvalue l, T updates multiply the gradient by (1 - lr l)^T.

    So the weights move by -lr V G V' g with G = sum of (1 - lr l)^k over k < T, where g is the gradient that they have
    now. The time of an update is that of a call, divided by the number of its updates.
    """

    work = "algorithmic"
    domain = Domain(modes={"eager": "standard"}, batches=("full",))

    def __init__(self, task: Task) -> None:
        self.task = task
        self.matrix, self.vector = moments_of(task)
        self.shrink, self.basis = torch.linalg.eigh(self.matrix)

    def reset(self) -> None:
        start = self.task.start
        self.w = torch.cat([start["weight"], start["bias"].reshape(1)]).double()

    @torch.no_grad()
    def advance(self, updates: int) -> None:
        kept = torch.log1p(-self.shrink.clamp(max=1 - 1e-16)) * updates
        grown = torch.where(self.shrink.abs() > 1e-14, -torch.expm1(kept) / self.shrink, float(updates))
        along = self.basis.T @ (self.matrix @ self.w - self.vector)
        self.w = self.w - self.basis @ (grown * along)

    def weights(self) -> Mapping[str, Tensor]:
        w = self.w.to(self.task.data["x"].dtype)
        return {"weight": w[:-1], "bias": w[-1]}
