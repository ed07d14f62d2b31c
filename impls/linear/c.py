"""C, compiled at the start: both sums in one pass over the data, all updates of a call in one loop; several cores by OpenMP."""

import ctypes
from collections.abc import Mapping

import torch
from torch import Tensor

from impls.contract import Domain, Implementation, Task, native

SOURCE = r"""
#include <stddef.h>
#include <stdint.h>
#ifdef _OPENMP
#include <omp.h>
#endif
typedef REAL real;

/* Adds what rows [begin, end) of the batch add to the gradient: g[0 ... features) for the weight, g[features] for the bias. */
static void add_rows(const real *restrict x, const real *restrict y, const int64_t *restrict order, ptrdiff_t begin,
                     ptrdiff_t end, ptrdiff_t features, const real *restrict w, real *restrict g) {
  const real bias = w[features];
  if (features == 1) {
    const real weight = w[0];
    real slope = 0, sum = 0;
    if (order)
      for (ptrdiff_t k = begin; k < end; k++) {
        const real xi = x[order[k]], residual = xi * weight + (bias - y[order[k]]);
        slope += residual * xi;
        sum += residual;
      }
    else
      for (ptrdiff_t i = begin; i < end; i++) {
        const real residual = x[i] * weight + (bias - y[i]);
        slope += residual * x[i];
        sum += residual;
      }
    g[0] += slope;
    g[1] += sum;
    return;
  }
  for (ptrdiff_t k = begin; k < end; k++) {
    const ptrdiff_t i = order ? order[k] : k;
    const real *restrict row = x + i * features;
    real residual = 0;
    for (ptrdiff_t j = 0; j < features; j++) residual += row[j] * w[j];
    residual += bias - y[i];
    for (ptrdiff_t j = 0; j < features; j++) g[j] += residual * row[j];
    g[features] += residual;
  }
}

/* A single row of one feature: no sums, so that the loop is one short chain of arithmetic. */
static void single_rows(const real *restrict x, const real *restrict y, const int64_t *restrict order, ptrdiff_t cycle,
                        ptrdiff_t number, real *restrict w, real step, ptrdiff_t updates) {
  real weight = w[0], bias = w[1];
  for (ptrdiff_t u = 0; u < updates; u++) {
    const ptrdiff_t i = order[number];
    const real scaled = step * (x[i] * weight + (bias - y[i]));
    weight -= scaled * x[i];
    bias -= scaled;
    if (++number == cycle) number = 0;
  }
  w[0] = weight;
  w[1] = bias;
}

/* `sums` holds 2 x threads slots of `slot` numbers: threads write one half while they still read the other. */
void train(const real *x, const real *y, const int64_t *order, ptrdiff_t batch, ptrdiff_t features, ptrdiff_t cycle,
           ptrdiff_t number, real *w, real step, ptrdiff_t updates, int threads, real *sums, ptrdiff_t slot) {
  if (order && batch == 1 && features == 1) {
    single_rows(x, y, order, cycle, number, w, step, updates);
    return;
  }
#ifdef _OPENMP
#pragma omp parallel num_threads(threads)
#endif
  {
#ifdef _OPENMP
    const int team = omp_get_num_threads(), self = omp_get_thread_num();
#else
    const int team = 1, self = 0;
#endif
    real *const own = sums + (2 * threads + self) * slot; /* every thread keeps weights of its own, all the same */
    const ptrdiff_t begin = batch * self / team, end = batch * (self + 1) / team;
    ptrdiff_t at = number;
    for (ptrdiff_t j = 0; j <= features; j++) own[j] = w[j];
    for (ptrdiff_t u = 0; u < updates; u++) {
      real *const half = sums + (u & 1) * threads * slot, *const mine = half + self * slot;
      for (ptrdiff_t j = 0; j <= features; j++) mine[j] = 0;
      add_rows(x, y, order ? order + at * batch : NULL, begin, end, features, own, mine);
#ifdef _OPENMP
#pragma omp barrier
#endif
      for (ptrdiff_t j = 0; j <= features; j++) {
        real total = 0;
        for (int t = 0; t < team; t++) total += half[t * slot + j];
        own[j] -= step * total;
      }
      if (order && ++at == cycle) at = 0;
    }
#ifdef _OPENMP
#pragma omp barrier
#endif
    if (self == 0)
      for (ptrdiff_t j = 0; j <= features; j++) w[j] = own[j];
  }
}
"""


class C(Implementation):
    """Each thread adds up its share of the rows; after a barrier, every thread adds up all shares, in the same order."""

    domain = Domain(modes={"eager": "quick"}, devices=("cpu",))

    def __init__(self, task: Task) -> None:
        self.task, setting = task, task.setting
        self.train = native.build(SOURCE, setting.dtype, threads=setting.threads).train
        self.cycle = 1 if task.order is None else len(task.order)
        slot = -(-(setting.features + 1) // 16) * 16  # at least a cache line, so that no two threads share one
        self.slot = ctypes.c_ssize_t(slot)
        self.sums = torch.zeros(3 * setting.threads * slot, dtype=task.data["x"].dtype)
        self.w = torch.empty(setting.features + 1, dtype=task.data["x"].dtype)
        self.step = (ctypes.c_float if setting.dtype == "float32" else ctypes.c_double)(task.step)

    def reset(self) -> None:
        self.w[:-1], self.w[-1] = self.task.start["weight"], self.task.start["bias"]
        self.done = 0

    def advance(self, updates: int) -> None:
        setting, data = self.task.setting, self.task.data
        self.train(
            *(native.pointer(tensor) for tensor in (data["x"], data["y"], self.task.order)),
            *(ctypes.c_ssize_t(n) for n in (setting.batch_rows, setting.features, self.cycle, self.done % self.cycle)),
            *(native.pointer(self.w), self.step, ctypes.c_ssize_t(updates), ctypes.c_int(setting.threads)),
            *(native.pointer(self.sums), self.slot),
        )
        self.done += updates

    def weights(self) -> Mapping[str, Tensor]:
        return {"weight": self.w[:-1], "bias": self.w[-1]}
