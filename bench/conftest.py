"""Hooks of pytest-benchmark and pytest: what `pytest bench` says of the machine, and its options for steps."""

from typing import Any

import pytest

from bench.processes import worker_process
from bench.system import environment


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options that name a step and what is measured of it."""
    group = parser.getgroup("looprace")
    for name, text in (
        ("--step", "Measure this training step instead, e.g. --step=my_step.py: plain and its ways; repeatable."),
        ("--rewrite", "Rewrites of the step that are measured too, as a shell pattern; repeatable."),
        ("--recipe", "One more arm of the step: rewrites stacked, e.g. fused+compile_loss; repeatable."),
    ):
        group.addoption(name, action="append", default=[], help=text)


def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:
    """Adds GPUs and package versions: without them two runs cannot be told apart."""
    description = environment.describe(worker_process.ROOT)
    machine_info["gpus"] = description["machine"]["gpus"]
    machine_info["packages"] = description["packages"]
