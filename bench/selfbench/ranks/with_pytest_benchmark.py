"""Arms as benchmarks of pytest-benchmark, whose options say for how long; their names are in the variable ARMS."""

import os

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.selfbench.ranks.arm_alone import calls
from bench.selfbench.ranks.tools import ARMS


@pytest.mark.parametrize("name", os.environ.get(ARMS, "").split(","))
def test_arm(name: str, benchmark: BenchmarkFixture) -> None:
    """An arm, some updates at a time."""
    benchmark(calls(name))
