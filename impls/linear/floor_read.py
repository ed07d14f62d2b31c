"""Floor: a C loop that only reads every row of the batch and adds, once in each update. No faithful arm can read less."""

import ctypes
from collections.abc import Mapping

from torch import Tensor

from impls.contract import Domain, Implementation, Task, native

SOURCE = r"""
#include <stddef.h>
#include <stdint.h>
typedef REAL real;

static real add(const real *restrict v, ptrdiff_t begin, ptrdiff_t end) {
  real sum = 0;
  for (ptrdiff_t i = begin; i < end; i++) sum += v[i];
  return sum;
}

static real add_both(const real *restrict x, const real *restrict y, ptrdiff_t begin, ptrdiff_t end) {
  real sum = 0;
  for (ptrdiff_t i = begin; i < end; i++) sum += x[i] + y[i];
  return sum;
}

static real add_rows(const real *restrict x, const real *restrict y, const int64_t *restrict rows, ptrdiff_t begin,
                     ptrdiff_t end, ptrdiff_t features) {
  real sum = 0;
  for (ptrdiff_t k = begin; k < end; k++) {
    const ptrdiff_t i = rows[k];
    sum += y[i];
    for (ptrdiff_t j = 0; j < features; j++) sum += x[i * features + j];
  }
  return sum;
}

/* The threads never meet: what they add up is a bound, not an update. */
double read_all(const real *x, const real *y, const int64_t *order, ptrdiff_t batch, ptrdiff_t features, ptrdiff_t cycle,
                ptrdiff_t number, ptrdiff_t updates, int threads) {
  double total = 0;
#ifdef _OPENMP
#pragma omp parallel for num_threads(threads) schedule(static, 1) reduction(+ : total)
#endif
  for (int self = 0; self < threads; self++) {
    const ptrdiff_t begin = batch * self / threads, end = batch * (self + 1) / threads;
    ptrdiff_t at = number;
    for (ptrdiff_t u = 0; u < updates; u++) {
      if (order) {
        total += add_rows(x, y, order + at * batch, begin, end, features);
        if (++at == cycle) at = 0;
      } else if (features == 1)
        total += add_both(x, y, begin, end);
      else
        total += add(x, begin * features, end * features) + add(y, begin, end);
      __asm__ volatile("" ::: "memory"); /* or one pass would stand for all */
    }
  }
  return total;
}
"""


class FloorRead(Implementation):
    """`total` is the sum of all numbers read since the reset; the test of this floor checks it."""

    work = "floor"
    reads_data = True
    domain = Domain(modes={"eager": "quick"}, devices=("cpu",))

    def __init__(self, task: Task) -> None:
        self.task = task
        self.read_all = native.build(SOURCE, task.setting.dtype, threads=task.setting.threads).read_all
        self.read_all.restype = ctypes.c_double
        self.cycle = 1 if task.order is None else len(task.order)

    def reset(self) -> None:
        self.done, self.total = 0, 0.0

    def advance(self, updates: int) -> None:
        setting, data = self.task.setting, self.task.data
        sizes = (setting.batch_rows, setting.features, self.cycle, self.done % self.cycle, updates)
        self.total += self.read_all(
            *(native.pointer(tensor) for tensor in (data["x"], data["y"], self.task.order)),
            *map(ctypes.c_ssize_t, sizes),
            ctypes.c_int(setting.threads),
        )
        self.done += updates

    def weights(self) -> Mapping[str, Tensor]:
        return dict(self.task.start)
