"""Says whether this machine is fit to measure on: asks every check in turn. Changes no setting, and needs no rights.

Apart from the checks, which know what is fine, and from `resolution`, which measures how small a change can be seen.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from bench import clock
from bench.doctor import cpu as of_cores
from bench.doctor import gpu as of_gpus
from bench.doctor import kernel as of_kernel
from bench.doctor import tools as of_tools
from bench.doctor.snapshot import Snapshot, judged
from bench.results.finding import Finding
from bench.runner.worker_process import allowed_cores
from bench.system import toolchain
from bench.system.linux import Activity, Host

WINDOW = 1.0  # seconds over which time stolen and other processes are counted

CHECKS: dict[str, Callable[[Snapshot], Iterator[Finding]]] = {
    "processor": of_cores.processor,
    "hyper-threading": of_cores.hyper_threads,
    "frequency": of_cores.frequency,
    "affinity": of_cores.affinity,
    "processor limit": of_cores.limits,
    "virtual machine": of_cores.virtual,
    "steal": of_cores.steal,
    "other processes": of_cores.load,
    "memory": of_kernel.memory,
    "pressure": of_kernel.pressure,
    "temperature": of_kernel.heat,
    "power": of_kernel.power,
    "settings": of_kernel.settings,
    "clock": of_kernel.clock_source,
    "ptrace": of_kernel.ptrace,
    "disk": of_kernel.disk,
}


def examine(
    results: Path,
    *,
    root: Path = Path("/"),
    window: float = WINDOW,
    cores: Sequence[int] | None = None,
    library: Any = None,
) -> Iterator[Finding]:
    """Everything about this machine that bears on measuring on it, by topic. Takes a second more than the window.

    results  where runs would be kept
    root     the folder that /proc and /sys are below; another one in tests
    window   seconds in which this process does nothing and looks what others do
    cores    those that races use; by default the one that races with one thread use
    library  stands in for pynvml in tests
    """
    host = Host(root)
    allowed = allowed_cores()
    before = Activity.now(host)
    clock.pause(window)
    scene = Snapshot(
        host=host,
        before=before,
        after=Activity.now(host),
        allowed=allowed,
        raced=allowed[-1:] if cores is None else cores,
        results=results,
    )
    for topic, check in CHECKS.items():
        yield from _each(topic, lambda check=check: check(scene))  # type: ignore[misc]
    nvidia = False
    for finding in _each("gpu", lambda: of_gpus.gpus(host, library)):
        nvidia = nvidia or finding.topic == "gpu 0"
        yield finding
    yield from _each("compilers", of_tools.compilers)
    yield from _each("torch", lambda: of_tools.torch(toolchain.torch_folder(), nvidia=nvidia))
    yield from _each("packages", lambda: of_tools.packages(nvidia=nvidia))
    yield from _each("py-spy", lambda: of_tools.py_spy(toolchain.py_spy()))
    yield from _each("python", of_tools.python)


def _each(topic: str, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """What a check finds. A book that is kept in another way than expected leaves its topic unknown, and the others alone."""
    try:
        yield from check()
    except (OSError, ValueError, IndexError, KeyError) as error:
        # of the system's errors only its own words: the rest may name a path
        reason = error.strerror if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        yield judged(topic, f"it could not be read: {' '.join(str(reason).split())[:200]}", "-", "unknown")
