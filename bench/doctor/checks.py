"""Runs every check of whether this machine is fit to measure on. Changes no setting and needs no privileges."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from bench import clock
from bench.doctor import cpu, gpu, kernel, tools
from bench.doctor.snapshot import Snapshot
from bench.processes.worker_process import allowed_cores
from bench.results.finding import Finding
from bench.system import toolchain
from bench.system.linux import Activity, Host

WINDOW = 1.0  # seconds over which stolen time and other processes are counted

CHECKS: dict[str, Callable[[Snapshot], Iterator[Finding]]] = {
    "processor": cpu.processor,
    "hyper-threading": cpu.hyper_threads,
    "frequency": cpu.frequency,
    "affinity": cpu.affinity,
    "processor limit": cpu.limits,
    "virtual machine": cpu.virtual,
    "steal": cpu.steal,
    "other processes": cpu.load,
    "memory": kernel.memory,
    "pressure": kernel.pressure,
    "temperature": kernel.heat,
    "power": kernel.power,
    "settings": kernel.settings,
    "clock": kernel.clock_source,
    "ptrace": kernel.ptrace,
    "disk": kernel.disk,
}


def examine(
    results: Path,
    *,
    root: Path = Path("/"),
    window: float = WINDOW,
    cores: Sequence[int] | None = None,
    library: Any = None,
) -> Iterator[Finding]:
    """Findings of all checks, by topic. Takes a second more than the window.

    results  where runs would be kept
    root     the folder that /proc and /sys are below; another one in tests
    window   seconds in which this process only observes what others do
    cores    those that races use; by default the one that races with one thread use
    library  stands in for pynvml in tests
    """
    host = Host(root)
    allowed = allowed_cores()
    before = Activity.now(host)
    clock.pause(window)
    snapshot = Snapshot(
        host=host,
        before=before,
        after=Activity.now(host),
        allowed=allowed,
        raced=allowed[-1:] if cores is None else cores,
        results=results,
    )
    for topic, check in CHECKS.items():
        yield from _findings(topic, lambda check=check: check(snapshot))  # type: ignore[misc]
    nvidia = False
    for finding in _findings("gpu", lambda: gpu.gpus(host, library)):
        nvidia = nvidia or finding.topic == "gpu 0"
        yield finding
    yield from _findings("compilers", tools.compilers)
    yield from _findings("torch", lambda: tools.torch(toolchain.torch_folder(), nvidia=nvidia))
    yield from _findings("packages", lambda: tools.packages(nvidia=nvidia))
    yield from _findings("py-spy", lambda: tools.py_spy(toolchain.py_spy()))
    yield from _findings("python", tools.python)


def _findings(topic: str, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """The findings of one check. A file of the kernel in an unexpected format makes only its own topic unknown."""
    try:
        yield from check()
    except (OSError, ValueError, IndexError, KeyError) as error:
        # of a system error only its description: the rest may name a path
        reason = error.strerror if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        yield Finding.of(topic, f"it could not be read: {' '.join(str(reason).split())[:200]}", "-", "unknown")
