"""Algorithmic: X'X and X'y once, then updates of features² operations that read no data; the recurrence in C, in float64."""

import ctypes
from collections.abc import Mapping

import torch
from torch import Tensor

from impls.contract import Domain, Implementation, Task, native

SOURCE = r"""
#include <stddef.h>
typedef REAL real;

/* w <- w - (A w - c), for w of size n; `change` is room for n numbers. */
void recur(const real *restrict a, const real *restrict c, real *restrict w, real *restrict change, ptrdiff_t n,
           ptrdiff_t updates) {
  if (n == 2) {
    real w0 = w[0], w1 = w[1];
    const real a00 = a[0], a01 = a[1], a11 = a[3], c0 = c[0], c1 = c[1];
    for (ptrdiff_t u = 0; u < updates; u++) {
      const real d0 = a00 * w0 + (a01 * w1 - c0), d1 = a01 * w0 + (a11 * w1 - c1);
      w0 -= d0;
      w1 -= d1;
    }
    w[0] = w0;
    w[1] = w1;
    return;
  }
  for (ptrdiff_t u = 0; u < updates; u++) {
    for (ptrdiff_t i = 0; i < n; i++) {
      real sum = -c[i];
      for (ptrdiff_t j = 0; j < n; j++) sum += a[i * n + j] * w[j];
      change[i] = sum;
    }
    for (ptrdiff_t i = 0; i < n; i++) w[i] -= change[i];
  }
}
"""


class Moments(Implementation):
    """The data is read only while the arm is built, as part of the cold start. Then an update is w <- w - (M w - v)."""

    work = "algorithmic"
    domain = Domain(modes={"eager": "standard"}, devices=("cpu",), batches=("full",))

    def __init__(self, task: Task) -> None:
        self.task = task
        self.recur = native.build(SOURCE, "float64").recur
        self.matrix, self.vector = moments_of(task)
        self.w, self.change = torch.empty_like(self.vector), torch.empty_like(self.vector)

    def reset(self) -> None:
        self.w[:-1], self.w[-1] = self.task.start["weight"], self.task.start["bias"]

    def advance(self, updates: int) -> None:
        tensors = (self.matrix, self.vector, self.w, self.change)
        self.recur(*map(native.pointer, tensors), ctypes.c_ssize_t(len(self.w)), ctypes.c_ssize_t(updates))

    def weights(self) -> Mapping[str, Tensor]:
        w = self.w.to(self.task.data["x"].dtype)
        return {"weight": w[:-1], "bias": w[-1]}


def moments_of(task: Task) -> tuple[Tensor, Tensor]:
    """The data summed up in a matrix M and a vector v: with A = [x, 1], A'A and A'y times the step.

    An update with all rows is w <- w - (M w - v). Both are float64, because digits cancel in the difference.
    """
    x, y = task.data["x"].double(), task.data["y"].double()
    design = torch.cat([x, torch.ones_like(x[:, :1])], dim=1)
    return task.step * (design.T @ design), task.step * (design.T @ y)
