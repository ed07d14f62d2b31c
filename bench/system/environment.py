"""Describes the machine, its software and its load for environment.json, so that a difference can be explained later."""

import os
import platform
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from bench.results.record import Caveat
from bench.system import linux, nvml, toolchain
from bench.system.git import git
from bench.system.linux import Host

# Variables may hold secrets: only those are recorded whose name begins like this and does not look like a secret.
VARIABLES = (
    *("OMP_", "MKL_", "KMP_", "GOMP_", "OPENBLAS_", "NUMBA_", "CUDA_", "TORCH", "PYTORCH", "TRITON_"),
    *("XLA_FLAGS", "JAX_", "NVIDIA_TF32_OVERRIDE", "MALLOC_", "GLIBC_TUNABLES", "PYTHONMALLOC", "PYTHONHASHSEED"),
)
SECRETS = re.compile("TOKEN|KEY|SECRET|PASSW|CREDENTIAL|AUTH|URL|HOST|ADDR", re.IGNORECASE)
ALLOCATORS = re.compile(r"(?:^|[/: ])(lib(?:jemalloc|tcmalloc|mimalloc|hoard|tbbmalloc)[^/: ]*)")
PACKAGES = ("torch", "numpy", "scipy", "triton", "numba", "jax", "jaxlib", "scikit-learn", "pytest-benchmark")

STOLEN = 0.02  # share of the processor's time that other machines may take before it is reported


@cache
def gpus() -> tuple[dict[str, Any], ...]:
    """Name, memory and driver of each GPU, by NVML; empty where there is none. Loads no framework."""
    try:
        with nvml.opened() as devices:
            return tuple(
                {
                    "name": gpu.name,
                    "memory_bytes": None if (memory := gpu.ask("GetMemoryInfo")) is None else int(memory.total),
                    "driver": gpu.driver,
                }
                for gpu in devices
            )
    except nvml.Absent:
        return ()


def describe(root: Path, imported: Iterable[str] = ()) -> dict[str, Any]:
    """Everything that could explain a difference between two runs: machine, software, revision. No secrets, no paths.

    machine, python, packages  what must be equal for a run to be resumed
    conditions                 settings that stay as they are, flat: name and value
    moment                     load, heat and clock at this moment

    imported  top-level packages that arms import, whose versions are recorded besides those of PACKAGES
    """
    return {
        "machine": {
            "processor": linux.processor(Host()).model or platform.processor() or platform.machine(),
            "cores": psutil.cpu_count(logical=False) or psutil.cpu_count(),
            "threads": psutil.cpu_count(),
            "memory_bytes": psutil.virtual_memory().total,
            "gpus": list(gpus()),
        },
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": toolchain.versions(PACKAGES) | toolchain.versions(toolchain.distributions(imported)),
        "revision": revision(root),
        "variables": variables(os.environ),
        "conditions": conditions(Host()),
        "cores_allowed": len(os.sched_getaffinity(0)),
        "load_before": os.getloadavg()[0],
        "moment": moment(Host()),
    }


def machine_in_words(root: Path) -> str:
    """The processor and its cores: "AMD EPYC 7763, 8 cores"."""
    machine = describe(root)["machine"]
    return f"{machine['processor']}, {machine['cores']} cores"


def variables(every: Mapping[str, str]) -> dict[str, str]:
    """The variables that may be recorded; of a path only that it is set."""
    allowed = {k: v for k, v in sorted(every.items()) if k.startswith(VARIABLES) and not SECRETS.search(k)}
    return {name: "(a path)" if "/" in value else value for name, value in allowed.items()}


def conditions(machine: Host) -> dict[str, str | float | bool | None]:
    """Settings of the machine that stay: frequency policy, limits, kernel, compilers, build of torch, settings of GPUs.

    None where it cannot be known, or does not exist.
    """
    core = max(os.sched_getaffinity(0))
    processor, frequency, limits = linux.processor(machine), linux.frequency(machine, core), linux.limits(machine)
    folder = toolchain.torch_folder()
    build = toolchain.torch_build(folder)
    preloaded = ALLOCATORS.findall(os.environ.get("LD_PRELOAD", ""))
    clock_source = "sys/devices/system/clocksource/clocksource0/current_clocksource"
    values: dict[str, str | float | bool | None] = {
        "processor signature": processor.signature or None,
        "microcode": processor.microcode or None,
        "caches": ", ".join(f"{name} {size // 1024} KiB" for name, size in processor.caches.items()) or None,
        "instructions": " ".join(processor.instructions) or None,
        "sibling threads": _listed(linux.siblings(machine, core)),
        "frequency driver": frequency.driver,
        "governor": frequency.governor,
        "boost": frequency.boost,
        "frequency maximum, Hz": frequency.maximum,
        "virtual machine": linux.virtual_machine(machine),
        "container": linux.container(machine),
        "processor limit, cores": limits.cores,
        "memory limit, bytes": limits.memory,
        "kernel": machine.text("proc/sys/kernel/osrelease"),
        "clock source": machine.text(clock_source),
        "huge pages": linux.huge_pages(machine),
        "address layout": machine.number("proc/sys/kernel/randomize_va_space"),
        "swap": machine.fields("proc/meminfo").get("SwapTotal"),
        "C library": " ".join(platform.libc_ver()).strip() or None,
        "allocator": ", ".join(preloaded) or "the C library's",
        "C compiler": toolchain.compiler("C"),
        "C++ compiler": toolchain.compiler("C++"),
        "python compiler": platform.python_compiler(),
        **{f"torch {name}": value for name, value in build.items()},
        "torch libraries": ", ".join(toolchain.torch_runtimes(folder)) or None,
    }
    values |= {f"boot {name}": value or "set" for name, value in linux.boot_parameters(machine).items()}
    return values | _of_gpus()


def _of_gpus() -> dict[str, str | float | bool | None]:
    try:
        with nvml.opened() as devices:
            return {f"gpu {gpu.index} {name}": value for gpu in devices for name, value in nvml.settings(gpu).items()}
    except nvml.Absent:
        return {}


def _listed(numbers: list[int] | None) -> str | None:
    return None if numbers is None else ", ".join(map(str, numbers)) or "none"


def moment(machine: Host) -> dict[str, float | None]:
    """What changes within a minute: available memory, temperature, clock, pressure on the cores."""
    zones = [machine.number(path) for path in machine.matching("sys/class/thermal/thermal_zone*/temp")]
    available = machine.fields("proc/meminfo").get("MemAvailable", "").partition(" ")[0]
    return {
        "memory_available_bytes": int(available) * 1024 if available.isdigit() else None,
        "celsius": max((zone / 1e3 for zone in zones if zone is not None), default=None),
        "hertz": linux.frequency(machine, max(os.sched_getaffinity(0))).current,
        "cpu_pressure": linux.pressure(machine, "cpu"),
    }


def revision(root: Path) -> dict[str, Any]:
    """The commit of the checkout, and whether it was changed since; None where there is no git."""
    commit = _answer(root, "rev-parse", "HEAD")
    return {"commit": commit, "changed": None if commit is None else bool(_answer(root, "status", "--porcelain"))}


def _answer(root: Path, *arguments: str) -> str | None:
    try:
        done = git(root, *arguments, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


@dataclass(frozen=True)
class Pressure:
    """Running totals of the system at one moment; the difference of two says what happened in between.

    cores    how many there are
    stolen   seconds of processor time that the hypervisor gave to other machines, over all cores
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
    """Caveats about what the machine did during a race, between two moments."""
    caveats = []
    stolen = (after.stolen - before.stolen) / (seconds * after.cores)
    if stolen > STOLEN:
        caveats.append(
            Caveat(
                code="stolen",
                text=f"the hypervisor gave {stolen:.0%} of the processor's time to other machines",
                advice="repeat at a quieter time, or on a machine that is not shared",
            )
        )
    if after.swapped > before.swapped:
        caveats.append(
            Caveat(
                code="swapping",
                text=f"{(after.swapped - before.swapped) / 2**20:.0f} MiB went to and from swap",
                advice="free memory, or choose fewer rows",
            )
        )
    return caveats
