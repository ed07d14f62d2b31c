"""A hook of pytest-benchmark: what `pytest bench` adds to its description of the machine."""

from typing import Any

from bench.runner import worker_process
from bench.system import environment


def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:
    """Adds GPUs and package versions: without them two runs cannot be told apart."""
    description = environment.describe(worker_process.ROOT)
    machine_info["gpus"] = description["machine"]["gpus"]
    machine_info["packages"] = description["packages"]
