"""Made-up machines for tests: the kernel's files below a folder, and a scripted NVML."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.doctor.snapshot import Snapshot
from bench.system.linux import Activity, Host

CPU = "sys/devices/system/cpu"

# A small computer of metal on which all is well.
WELL: dict[str, str] = {
    "proc/cpuinfo": (
        "processor : 0\nvendor_id : Maker\ncpu family : 6\nmodel : 7\nmodel name : Maker Fast 3\nstepping : 1\n"
        "microcode : 0x1\ncpu MHz : 2000.0\nflags : fpu avx2 fma\n\nprocessor : 1\nmodel name : another\n"
    ),
    "proc/version": "Linux version 6.1.0",
    "proc/stat": "cpu 100 0 50 1000 0 0 0 0 0 0\ncpu0 50 0 25 500 0 0 0 0 0 0\ncpu1 50 0 25 500 0 0 0 0 0 0\nctxt 1\n",
    "proc/loadavg": "0.05 0.10 0.20 1/100 999",
    "proc/vmstat": "pswpin 0\npswpout 0\n",
    "proc/meminfo": "MemTotal: 16777216 kB\nMemAvailable: 8388608 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n",
    "proc/pressure/cpu": "some avg10=0.50 avg60=0.10 avg300=0.00 total=1",
    "proc/pressure/memory": "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0 avg300=0 total=0",
    "proc/cmdline": "root=/dev/secret-disk mitigations=auto isolcpus=1 password=hunter2",
    "proc/self/cgroup": "0::/user/session",
    "proc/self/status": "Name: python\nCapEff:\t0000000000000000",
    "proc/1/cgroup": "0::/init.scope",
    "proc/sys/kernel/osrelease": "6.1.0",
    "proc/sys/kernel/randomize_va_space": "2",
    "proc/sys/kernel/yama/ptrace_scope": "0",
    "sys/fs/cgroup/cgroup.controllers": "cpu memory",
    "sys/fs/cgroup/user/session/cpu.max": "max 100000",
    "sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never",
    "sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc",
    "sys/class/thermal/thermal_zone0/temp": "45000",
    "sys/class/thermal/thermal_zone0/type": "x86_pkg_temp",
    "sys/class/thermal/thermal_zone0/trip_point_0_type": "passive",
    "sys/class/thermal/thermal_zone0/trip_point_0_temp": "95000",
    f"{CPU}/cpu0/thermal_throttle/core_throttle_count": "0",
    f"{CPU}/cpu0/topology/thread_siblings_list": "0",
    f"{CPU}/cpu1/topology/thread_siblings_list": "1",
    f"{CPU}/cpu0/cache/index0/level": "1",
    f"{CPU}/cpu0/cache/index0/type": "Data",
    f"{CPU}/cpu0/cache/index0/size": "32K",
    f"{CPU}/cpu1/cpufreq/scaling_driver": "acpi-cpufreq",
    f"{CPU}/cpu1/cpufreq/scaling_governor": "performance",
    f"{CPU}/cpu1/cpufreq/scaling_cur_freq": "3000000",
    f"{CPU}/cpu1/cpufreq/cpuinfo_max_freq": "3600000",
    f"{CPU}/cpufreq/boost": "0",
}


def plant(root: Path, files: Mapping[str, str]) -> Host:
    """A machine with these files, written below a folder."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Host(root)


def snapshot(root: Path, changed: Mapping[str, str] | None = None, later: Mapping[str, str] | None = None) -> Snapshot:
    """A snapshot of a machine on which all is well but for the given changes; `later` changes its second moment."""
    host = plant(root, WELL | dict(changed or {}))
    before = Activity.now(host)
    plant(root, later or {})
    after = Activity.now(host)
    after = Activity(**vars(after) | {"at": before.at + 1.0})
    return Snapshot(host=host, before=before, after=after, allowed=[0, 1], raced=[1], results=root / "results")


class Memory:
    """NVML's memory information, in bytes."""

    total, used = 80 * 2**30, 2**28


class Rates:
    """NVML's utilization, in per cent."""

    gpu, memory = 0, 0


class Process:
    """One process on a GPU."""

    def __init__(self, pid: int) -> None:
        self.pid = pid


# A GPU on which all is well; a question without an answer here is one that this driver does not know.
GPU: dict[str, Any] = {
    "GetName": "Maker G100",
    "GetUUID": "GPU-1234",
    "GetMemoryInfo": Memory,
    "GetUtilizationRates": Rates,
    "GetClockInfo": 1000,
    "GetMaxClockInfo": 1980,
    "GetPowerUsage": 70_000,
    "GetEnforcedPowerLimit": 700_000,
    "GetPowerManagementDefaultLimit": 700_000,
    "GetTemperatureV": 35,
    "GetTemperatureThreshold": 90,
    "GetCurrentClocksEventReasons": 1,
    "GetComputeRunningProcesses": [],
    "GetGraphicsRunningProcesses": [],
    "GetPersistenceMode": 1,
    "GetMigMode": [0, 0],
    "GetEccMode": [1, 1],
    "GetTotalEnergyConsumption": 5_000_000,
    "GetVbiosVersion": "96.00",
    "GetMaxPcieLinkGeneration": 5,
    "GetCurrPcieLinkWidth": 16,
}


class FakeNvml:
    """An NVML of one GPU. An answer that is callable is called each time; an exception is raised.

    asked  every question so far
    """

    NVML_CLOCK_SM, NVML_CLOCK_MEM, NVML_TEMPERATURE_GPU, NVML_TEMPERATURE_THRESHOLD_SLOWDOWN = 1, 2, 0, 1

    class NVMLError(Exception):
        """What NVML raises."""

    def __init__(self, *, absent: str = "", count: int = 1, **changed: Any) -> None:
        self._absent, self._count = absent, count
        self._answers = {name: value for name, value in (GPU | changed).items() if value is not None}
        self.asked: list[str] = []
        self.open = 0

    def nvmlInit(self) -> None:  # noqa: N802 - NVML's own names
        """Begins, or says why it cannot."""
        if self._absent:
            raise self.NVMLError(self._absent)
        self.open += 1

    def nvmlShutdown(self) -> None:  # noqa: N802
        """Ends."""
        self.open -= 1

    def nvmlSystemGetDriverVersion(self) -> str:  # noqa: N802
        """The driver's version."""
        return "600.1"

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        """How many GPUs."""
        return self._count

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        """One of them."""
        return index

    def __getattr__(self, name: str) -> Callable[..., Any]:
        question = name.removeprefix("nvmlDevice")
        if question == name or question not in self._answers:
            raise AttributeError(name)
        answer = self._answers[question]

        def reply(*_: Any) -> Any:
            self.asked.append(question)
            if isinstance(answer, Exception):
                raise answer
            return answer() if callable(answer) and not isinstance(answer, type) else answer

        return reply
