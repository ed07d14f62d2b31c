"""What machine this is and what else it is doing. Apart because it is the only reader of the system's own books."""

import importlib.metadata
import os
import platform
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from bench.record import Caveat

# Allow-list: an environment may hold secrets, so a variable is recorded only when its name begins so.
VARIABLES = ("OMP_", "MKL_", "KMP_", "GOMP_", "OPENBLAS_", "NUMBA_", "CUDA_", "TORCH", "PYTORCH", "TRITON_")
PACKAGES = ("torch", "numpy", "scipy", "triton", "numba", "jax", "jaxlib", "scikit-learn", "pytest-benchmark")

STOLEN = 0.02  # share of the processor's time that others may take before it is worth a word


@cache
def gpus() -> tuple[dict[str, Any], ...]:
    """Name, memory and driver of each GPU, by NVML; empty where there is none. Loads no framework."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return ()
    try:
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
        driver = pynvml.nvmlSystemGetDriverVersion()
        return tuple(
            {
                "name": pynvml.nvmlDeviceGetName(handle),
                "memory_bytes": int(pynvml.nvmlDeviceGetMemoryInfo(handle).total),
                "driver": driver,
            }
            for handle in handles
        )
    except pynvml.NVMLError:
        return ()
    finally:
        pynvml.nvmlShutdown()


def describe(root: Path) -> dict[str, Any]:
    """Everything that could explain a difference between two runs: machine, software, revision. No secrets, no paths."""
    return {
        "machine": {
            "processor": _processor(),
            "cores": psutil.cpu_count(logical=False) or psutil.cpu_count(),
            "threads": psutil.cpu_count(),
            "memory_bytes": psutil.virtual_memory().total,
            "gpus": list(gpus()),
        },
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "revision": revision(root),
        "variables": {k: v for k, v in sorted(os.environ.items()) if k.startswith(VARIABLES)},
        "cores_allowed": len(os.sched_getaffinity(0)),
        "load_before": os.getloadavg()[0],
    }


def revision(root: Path) -> dict[str, Any]:
    """The commit of the checkout, and whether it was changed since; None where there is no git."""
    commit = _git(root, "rev-parse", "HEAD")
    return {"commit": commit, "changed": None if commit is None else bool(_git(root, "status", "--porcelain"))}


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    for line in _lines(Path("/proc/cpuinfo")):
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


@dataclass(frozen=True)
class Pressure:
    """The system's running totals at one moment: two of them say what happened in between.

    cores    how many there are
    stolen   seconds the hypervisor gave the cores to somebody else, all together
    swapped  bytes moved to and from swap
    """

    cores: int
    stolen: float
    swapped: int

    @staticmethod
    def now() -> "Pressure":
        """The totals at this moment."""
        times = psutil.cpu_times(percpu=True)
        swap = psutil.swap_memory()
        return Pressure(
            cores=len(times),
            stolen=sum(t.steal for t in times),
            swapped=swap.sin + swap.sout,
        )


def caveats_between(before: Pressure, after: Pressure, seconds: float) -> list[Caveat]:
    """What the machine did to a race in the seconds between two moments, in words."""
    found = []
    stolen = (after.stolen - before.stolen) / (seconds * after.cores)
    if stolen > STOLEN:
        found.append(
            Caveat(
                code="stolen",
                text=f"the hypervisor gave {stolen:.0%} of the processor's time to somebody else",
                advice="repeat at a quieter time, or on a machine that is not shared",
            )
        )
    if after.swapped > before.swapped:
        found.append(
            Caveat(
                code="swapping",
                text=f"{(after.swapped - before.swapped) / 2**20:.0f} MiB went to and from swap",
                advice="free memory, or choose fewer rows",
            )
        )
    return found
