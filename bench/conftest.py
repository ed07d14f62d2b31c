"""What `pytest bench` adds to pytest-benchmark's own record of the machine. Apart because pytest looks for hooks here."""

from typing import Any

from bench.runner import worker_process
from bench.system import environment


def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:
    """GPUs and package versions: without them two runs cannot be told apart."""
    here = environment.describe(worker_process.ROOT)
    machine_info["gpus"] = here["machine"]["gpus"]
    machine_info["packages"] = here["packages"]
