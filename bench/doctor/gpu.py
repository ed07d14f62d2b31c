"""Checks of NVIDIA GPUs, by NVML. Each check yields findings and changes nothing.

What a GPU, its driver or the container does not report is unknown, with the reason.
"""

import os
from collections.abc import Iterator
from typing import Any

from bench.doctor.snapshot import grade_of, several, size
from bench.results.finding import Finding, Grade
from bench.system import nvml
from bench.system.linux import Host
from bench.system.nvml import Gpu

NEAR = 15.0  # degrees below the temperature at which it slows down: closer is a caution
HELD = 2**30  # bytes in use: more than a driver needs for itself
BUSY = 5  # per cent of the time in which kernels of others ran
NOT_TOLD = "the driver does not say"


def gpus(host: Host, library: Any = None) -> Iterator[Finding]:
    """Findings of every GPU, or the reason why there is none.

    library  stands in for pynvml in tests
    """
    try:
        with nvml.opened(library) as devices:
            if not devices:
                yield Finding.of("gpu", "an NVIDIA driver, but no GPU", "NVML", "unknown", command="nvidia-smi")
            for gpu in devices:
                for check in (_kind, _clocks, _power, _temperature, _others, _modes):
                    yield from check(gpu, host)
    except nvml.Absent as error:
        seen = f"no NVIDIA driver: {error}"
        yield Finding.of("gpu", seen, "NVML", "unknown", "only needed to race on CUDA", "nvidia-smi")


def _kind(gpu: Gpu, _: Host) -> Iterator[Finding]:
    memory = gpu.ask("GetMemoryInfo")
    total = f", {size(memory.total)}" if memory else ""
    yield Finding.of(f"gpu {gpu.index}", f"{gpu.name}{total}, driver {gpu.driver or NOT_TOLD}", "NVML")


def _clocks(gpu: Gpu, _: Host) -> Iterator[Finding]:
    topic = f"gpu {gpu.index} clocks"
    speeds = []
    for kind, name in (("SM", "cores"), ("MEM", "memory")):
        now, most = gpu.clock("GetClockInfo", kind), gpu.clock("GetMaxClockInfo", kind)
        if now is not None and most is not None:
            speeds.append(f"{name} {now:.0f} of {most:.0f} MHz")
    if not speeds:
        yield Finding.of(topic, NOT_TOLD, "NVML", "unknown", command="nvidia-smi -q -d CLOCK")
    else:
        yield Finding.of(topic, f"{', '.join(speeds)} at rest", "NVML clock info")
    bits = gpu.reasons()
    topic = f"gpu {gpu.index} throttling"
    if bits is None:
        yield Finding.of(topic, NOT_TOLD, "NVML", "unknown", command="nvidia-smi -q -d PERFORMANCE")
        return
    grade: Grade = "bad" if bits & sum(nvml.HOT) else "caution" if bits & sum(nvml.THROTTLED) else "fine"
    seen = ", ".join(nvml.spoken(bits)) or "nothing holds its clocks down"
    advice = "find what holds its clocks down: heat, the power supply or a limit that was set"
    yield Finding.of(
        topic, seen, "NVML clock event reasons", grade, advice, f"nvidia-smi -i {gpu.index} -q -d PERFORMANCE"
    )


def _power(gpu: Gpu, _: Host) -> Iterator[Finding]:
    topic, show = f"gpu {gpu.index} power", f"nvidia-smi -i {gpu.index} -q -d POWER"
    now = gpu.scaled("GetPowerUsage", 1e-3)
    limit = gpu.scaled("GetEnforcedPowerLimit", 1e-3)
    usual = gpu.scaled("GetPowerManagementDefaultLimit", 1e-3)
    if now is None and limit is None:
        yield Finding.of(topic, NOT_TOLD, "NVML", "unknown", command=show)
        return
    parts = [f"{now:.0f} W now"] if now is not None else []
    parts += [f"limit {limit:.0f} W"] if limit is not None else []
    lowered = limit is not None and usual is not None and limit < usual
    parts += [f"by default {usual:.0f} W"] if lowered else []
    cure = f"sudo nvidia-smi -i {gpu.index} -pl {usual:.0f}" if lowered else show
    grade: Grade = "caution" if lowered else "fine"
    yield Finding.of(topic, "; ".join(parts), "NVML power", grade, "set the limit back to the maker's own", cure)


def _temperature(gpu: Gpu, _: Host) -> Iterator[Finding]:
    topic, show = f"gpu {gpu.index} temperature", f"nvidia-smi -i {gpu.index} -q -d TEMPERATURE"
    now = gpu.celsius()
    if now is None:
        yield Finding.of(topic, NOT_TOLD, "NVML", "unknown", command=show)
        return
    slows = gpu.scaled("GetTemperatureThreshold", 1.0, gpu.library.NVML_TEMPERATURE_THRESHOLD_SLOWDOWN)
    limit = f"; it slows down at {slows:.0f} °C" if slows else ""
    grade = grade_of(now, slows - NEAR, slows) if slows else grade_of(now, 80, 90)
    yield Finding.of(topic, f"{now:.0f} °C{limit}", "NVML temperature", grade, "let it cool before you measure", show)


def _others(gpu: Gpu, host: Host) -> Iterator[Finding]:
    """Other users of the GPU, by processes and by memory: some containers and WSL hide the processes."""
    topic, show = f"gpu {gpu.index} sharing", f"nvidia-smi -i {gpu.index}"
    lists = [gpu.ask(f"Get{kind}RunningProcesses") for kind in ("Compute", "Graphics")]
    memory, busy = gpu.ask("GetMemoryInfo"), gpu.ask("GetUtilizationRates")
    if memory is None and lists == [None, None]:
        yield Finding.of(topic, NOT_TOLD, "NVML", "unknown", command=show)
        return
    numbers = sorted({process.pid for processes in lists for process in processes or ()} - {os.getpid()})
    names = sorted({host.text(f"proc/{number}/comm") or "one that is hidden" for number in numbers})
    parts = [several(len(numbers), "other process", "other processes")]
    parts[0] += f" ({', '.join(names)})" if names else ""
    parts += [f"{size(memory.used)} of its memory in use"] if memory else []
    parts += [f"busy {busy.gpu} % of the time"] if busy else []
    held = memory is not None and memory.used > HELD
    grade: Grade = "bad" if busy and busy.gpu > BUSY else "caution" if numbers or held else "fine"
    source = "NVML running processes, memory, utilization"
    yield Finding.of(
        topic, "; ".join(parts), source, grade, "end what else uses it: kernels of several processes take turns", show
    )


def _modes(gpu: Gpu, _: Host) -> Iterator[Finding]:
    modes = nvml.settings(gpu)
    words = {True: "on", False: "off", None: NOT_TOLD}
    kept: Grade = {True: "fine", False: "caution", None: "unknown"}[modes["persistence"]]  # type: ignore[assignment]
    advice = "keep the driver loaded: otherwise it may start again for each process and lose clocks that were set"
    cure = f"sudo nvidia-smi -i {gpu.index} -pm 1"
    yield Finding.of(
        f"gpu {gpu.index} persistence", words[modes["persistence"]], "NVML persistence mode", kept, advice, cure
    )
    grade: Grade = "caution" if modes["mig"] else "fine"
    advice = "others may compute on the other slices and share its memory and power: ask whoever administers it"
    seen = f"MIG {words[modes['mig']]}; ECC {words[modes['ecc']]}"
    yield Finding.of(f"gpu {gpu.index} modes", seen, "NVML MIG and ECC mode", grade, advice, "nvidia-smi mig -lgi")
