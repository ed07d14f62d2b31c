"""Arms as benchmarks of pyperf, which starts processes for each; their names are in the variable ARMS."""

import os
from functools import cache

import pyperf

from bench import clock
from bench.selfbench.ranks.arm_alone import calls
from bench.selfbench.ranks.tools import ARMS, UPDATES


def timed(loops: int, name: str) -> float:
    """The seconds of so many calls of an arm."""
    call = _built(name)
    begin = clock.now()
    for _ in range(loops):
        call()
    return clock.now() - begin


_built = cache(calls)


def main() -> None:
    """One worker process for each arm, besides the one that finds out how many calls fill a value."""
    runner = pyperf.Runner(processes=1, values=10)
    for name in os.environ[ARMS].split(","):
        runner.bench_time_func(name, timed, name, inner_loops=UPDATES)


if __name__ == "__main__":
    main()
