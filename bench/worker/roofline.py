"""Measures what the cores of a race can do at most: how fast they read, and how fast they calculate. Loads torch.

These two bounds are no arms of a race, as floors are: the parts of an update are compared with them in profiles.
"""

import contextlib
import ctypes
import math
from collections.abc import Callable

import torch
from msgspec.structs import replace

from bench import clock
from bench.results.profile import Machine
from bench.worker.device import Stopwatch
from impls.contract import UnavailableError, native

SECONDS = 0.15  # for each of them; the best of many passes counts, because it is a bound
PASS_SECONDS = 0.002
CACHED = 2048  # numbers that surely fit into the first-level cache of a core
DEGREE = 16  # multiply-adds on each number once it has been read, so that reading does not count

SOURCE = r"""
#include <stddef.h>

double read_all(const float *data, ptrdiff_t size, ptrdiff_t passes, int threads) {
  double total = 0;
#ifdef _OPENMP
#pragma omp parallel for num_threads(threads) schedule(static, 1) reduction(+ : total)
#endif
  for (int self = 0; self < threads; self++)
    for (ptrdiff_t p = 0; p < passes; p++) {
      float sum = 0;
      for (ptrdiff_t i = size * self / threads; i < size * (self + 1) / threads; i++) sum += data[i];
      total += sum;
      __asm__ volatile("" ::: "memory"); /* or the compiler would make one pass instead of many */
    }
  return total;
}

/* A polynomial of each number, and their sum; every thread has numbers of its own. */
double calculate(const float *data, ptrdiff_t size, ptrdiff_t passes, int threads) {
  double total = 0;
#ifdef _OPENMP
#pragma omp parallel for num_threads(threads) schedule(static, 1) reduction(+ : total)
#endif
  for (int self = 0; self < threads; self++)
    for (ptrdiff_t p = 0; p < passes; p++) {
      float sum = 0;
      for (ptrdiff_t i = size * self / threads; i < size * (self + 1) / threads; i++) {
        float value = data[i];
#pragma GCC unroll 16
        for (int k = 0; k < DEGREE; k++) value = value * data[i] + 0.5f;
        sum += value;
      }
      total += sum;
      __asm__ volatile("" ::: "memory");
    }
  return total;
}
""".replace("DEGREE", str(DEGREE))


def measured(working_set: int, threads: int, device: str = "cpu") -> Machine:
    """The bounds for data of so many bytes: the better of C, on a CPU, and PyTorch's own kernels.

    C is ahead where the data are few, because a call of it costs nothing; PyTorch where they come from memory.
    """
    torch.set_num_threads(threads)
    machines = [_by_torch(working_set, device)]
    if device == "cpu":
        with contextlib.suppress(UnavailableError):
            machines.append(_by_c(working_set, threads))
    best = max(machines, key=lambda machine: machine.read_bandwidth)
    return replace(best, operations=max(machine.operations for machine in machines))


def _by_c(working_set: int, threads: int) -> Machine:
    built = native.build(SOURCE, "float32", threads=threads)

    def rate(name: str, size: int) -> float:
        function = getattr(built, name)
        function.restype = ctypes.c_double
        data = torch.rand(size)

        def run(passes: int) -> None:
            function(native.pointer(data), *map(ctypes.c_ssize_t, (size, passes)), ctypes.c_int(threads))

        return size / _best(run)

    return Machine(
        read_bandwidth=4 * rate("read_all", max(1, working_set // 4)),
        operations=(2 * DEGREE + 1) * rate("calculate", CACHED * threads),
        working_set=working_set,
        method="C",
    )


def _by_torch(working_set: int, device: str) -> Machine:
    """Operations are those of a product of matrices, the one thing that every library is good at."""
    stopwatch = Stopwatch(device)
    data, side = torch.rand(max(1, working_set // 4), device=device), 64 if device == "cpu" else 4096
    matrix = torch.rand(side, side, device=device)

    def rate(call: Callable[[], object]) -> float:
        def run(passes: int) -> None:
            for _ in range(passes):
                call()
            stopwatch.drain()

        return 1 / _best(run)

    return Machine(
        read_bandwidth=working_set * rate(data.sum),
        operations=2 * side**3 * rate(lambda: matrix @ matrix),
        working_set=working_set,
        method="torch",
    )


def _best(run: Callable[[int], None]) -> float:
    """The least seconds that one pass took."""
    passes, best, begin = 1, math.inf, clock.now()
    while clock.now() - begin < SECONDS:
        started = clock.now()
        run(passes)
        taken = clock.now() - started
        best = min(best, taken / passes)
        if taken < PASS_SECONDS:
            passes *= 2
    return best
