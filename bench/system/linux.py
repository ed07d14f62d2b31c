"""Reads what the Linux kernel reports about this machine below /proc and /sys, as typed values.

Everything takes the root folder to read from, so that tests can supply files. What is missing or unreadable is None.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import clock

TICKS = os.sysconf("SC_CLK_TCK")
NO_LIMIT = 2**60  # bytes: control groups of version 1 write "no limit" as a number this large
HYPERVISORS = ("KVM", "QEMU", "VMware", "VirtualBox", "Virtual Machine", "HVM domU", "Firecracker", "Bochs")
KINDS = (  # fields that identify a kind of processor, on x86 and on Arm
    ("vendor_id", "cpu family", "model", "stepping"),
    ("CPU implementer", "CPU part", "CPU variant", "CPU revision"),
)
CONTAINERS = ("docker", "kubepods", "containerd", "libpod", "lxc")
BOOT = ("mitigations", "isolcpus", "nohz_full", "rcu_nocbs", "nosmt", "intel_pstate", "amd_pstate", "clocksource")
INSTRUCTIONS = ("avx", "avx2", "fma", "avx512f", "avx512_bf16", "avx512_vnni", "amx_tile", "asimd", "sve", "sve2")


@dataclass(frozen=True)
class Host:
    """The machine below a root folder."""

    root: Path = Path("/")

    def text(self, path: str) -> str | None:
        """The content of a file, stripped; None when it is missing or may not be read."""
        try:
            return (self.root / path).read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            return None

    def number(self, path: str) -> int | None:
        """The whole number that a file holds; None when it holds none."""
        text = self.text(path) or ""
        return int(text) if text.lstrip("-").isdigit() else None

    def matching(self, pattern: str) -> list[str]:
        """The paths that match a shell pattern, in order."""
        return sorted(path.relative_to(self.root).as_posix() for path in self.root.glob(pattern))

    def fields(self, path: str, separator: str = ":") -> dict[str, str]:
        """The fields of a file of "name: value" lines, the first of equal names; none for an unreadable file."""
        values: dict[str, str] = {}
        for line in (self.text(path) or "").splitlines():
            name, _, value = line.partition(separator)
            values.setdefault(name.strip(), value.strip())
        return values


def numbers(text: str) -> list[int]:
    """The numbers in a list as the kernel writes it: "0-2,8" is 0, 1, 2 and 8."""
    spans = [part.partition("-") for part in text.split(",") if part.strip()]
    return [number for first, _, last in spans for number in range(int(first), int(last or first) + 1)]


@dataclass(frozen=True)
class Processor:
    """Name, if reported; maker, family, model and stepping; caches of core 0 in bytes; wide instruction sets."""

    model: str | None
    signature: str
    microcode: str
    caches: dict[str, int]
    instructions: tuple[str, ...]


def processor(host: Host) -> Processor:
    """The first processor of the machine."""
    fields = host.fields("proc/cpuinfo")
    flags = (fields.get("flags") or fields.get("Features") or "").split()
    caches = {}
    for index in host.matching("sys/devices/system/cpu/cpu0/cache/index*"):
        kind = {"Data": "d", "Instruction": "i"}.get(host.text(f"{index}/type") or "", "")
        size = host.text(f"{index}/size") or ""
        if size[:-1].isdigit():
            caches[f"L{host.text(f'{index}/level')}{kind}"] = int(size[:-1]) * {"K": 2**10, "M": 2**20}.get(size[-1], 1)
    return Processor(
        model=fields.get("model name"),
        signature=next(("-".join(fields[name] for name in kind) for kind in KINDS if fields.keys() >= set(kind)), ""),
        microcode=fields.get("microcode", ""),
        caches=caches,
        instructions=tuple(name for name in INSTRUCTIONS if name in flags),
    )


def siblings(host: Host, core: int) -> list[int] | None:
    """The other hardware threads of the same core; None when the kernel does not say."""
    threads = host.text(f"sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list")
    return None if threads is None else [thread for thread in numbers(threads) if thread != core]


@dataclass(frozen=True)
class Frequency:
    """The frequency policy of a core, frequencies in hertz; None where the kernel does not say."""

    driver: str | None
    governor: str | None
    boost: bool | None
    boost_path: str
    current: float | None
    maximum: float | None


def frequency(host: Host, core: int) -> Frequency:
    """The frequency policy of a core."""
    policy = f"sys/devices/system/cpu/cpu{core}/cpufreq"
    intel, others = "sys/devices/system/cpu/intel_pstate/no_turbo", "sys/devices/system/cpu/cpufreq/boost"
    off, on = host.number(intel), host.number(others)
    current, maximum = host.number(f"{policy}/scaling_cur_freq"), host.number(f"{policy}/cpuinfo_max_freq")
    return Frequency(
        driver=host.text(f"{policy}/scaling_driver"),
        governor=host.text(f"{policy}/scaling_governor"),
        boost=(off == 0) if off is not None else (on == 1) if on is not None else None,
        boost_path=intel if off is not None else others,
        current=None if current is None else current * 1e3,
        maximum=None if maximum is None else maximum * 1e3,
    )


def virtual_machine(host: Host) -> str | None:
    """The kind of virtual machine this is, as far as it says so itself; None on what looks like bare metal."""
    if "microsoft" in (host.text("proc/version") or "").lower():
        return "WSL"
    product = " ".join(filter(None, (host.text(f"sys/class/dmi/id/{name}") for name in ("sys_vendor", "product_name"))))
    named = host.text("sys/hypervisor/type") or product
    flagged = "hypervisor" in host.fields("proc/cpuinfo").get("flags", "").split()
    if flagged or host.text("sys/hypervisor/type") or any(name in product for name in HYPERVISORS):
        return named or "of unknown kind"
    return None


def container(host: Host) -> str | None:
    """The kind of container this process is in; None where there is no sign of one."""
    if (host.root / ".dockerenv").exists():
        return "docker"
    if (host.root / "run/.containerenv").exists():
        return "podman"
    groups = host.text("proc/1/cgroup") or ""
    return host.text("run/systemd/container") or next((name for name in CONTAINERS if name in groups), None)


@dataclass(frozen=True)
class Limits:
    """What the control groups allow this process; None is no limit.

    there        whether there are control groups to read at all
    cores        processor time a second, in cores
    cpuset       the cores it may use, as the kernel writes them
    memory       bytes, and `memory_used` of those
    stopped      how often the group was stopped for having used up its processor time
    """

    there: bool
    cores: float | None
    cpuset: str | None
    memory: int | None
    memory_used: int | None
    stopped: int | None


def limits(host: Host) -> Limits:
    """The tightest limits over this process's control groups and all groups around them, of either kind."""
    cpu, memory = list(_groups(host, "cpu")), list(_groups(host, "memory"))
    bounded = [(limit, group) for group in memory if (limit := _memory_limit(host, group)) is not None]
    tightest, group = min(bounded, default=(None, ""))
    names = ("cpuset.cpus.effective", "cpuset.effective_cpus", "cpuset.cpus")
    sets = (host.text(f"{group}/{name}") for group in _groups(host, "cpuset") for name in names)
    stops = (host.fields(f"{group}/cpu.stat", " ").get("nr_throttled", "") for group in cpu)
    return Limits(
        there=bool(cpu or memory),
        cores=min((cores for group in cpu if (cores := _quota(host, group)) is not None), default=None),
        cpuset=next(filter(None, sets), None),
        memory=tightest,
        memory_used=_memory_used(host, group) if group else None,
        stopped=next((int(count) for count in stops if count.isdigit()), None),
    )


def _memory_used(host: Host, group: str) -> int | None:
    """Memory in use without cached files, which the kernel can drop at once."""
    held = host.number(f"{group}/memory.current") or host.number(f"{group}/memory.usage_in_bytes")
    files = host.fields(f"{group}/memory.stat", " ")
    idle = files.get("total_inactive_file") or files.get("inactive_file") or "0"
    return None if held is None else max(0, held - int(idle))


def _groups(host: Host, controller: str) -> Iterator[str]:
    """The folders of this process's control groups, innermost first; in a container the path may begin outside it."""
    for line in (host.text("proc/self/cgroup") or "").splitlines():
        _, controllers, path = line.split(":", 2)
        mounted = [controllers, controller] if controller in controllers.split(",") else []
        for base in (f"sys/fs/cgroup/{name}" for name in (mounted if controllers else ["", "unified"])):
            parts = [part for part in path.split("/") if part not in ("", "..")]
            for depth in range(len(parts), -1, -1):
                folder = "/".join([base.rstrip("/"), *parts[:depth]])
                if (host.root / folder).is_dir():
                    yield folder


def _quota(host: Host, group: str) -> float | None:
    quota, _, period = (host.text(f"{group}/cpu.max") or "").partition(" ")
    if not quota:
        quota, period = (str(host.number(f"{group}/cpu.cfs_{name}_us") or "") for name in ("quota", "period"))
    return int(quota) / int(period) if quota.isdigit() and period.isdigit() else None


def _memory_limit(host: Host, group: str) -> int | None:
    limit = host.number(f"{group}/memory.max") or host.number(f"{group}/memory.limit_in_bytes")
    return limit if limit and limit < NO_LIMIT else None


def boot_parameters(host: Host) -> dict[str, str]:
    """The kernel's boot parameters that affect speed: an allow-list, since others may be private."""
    words = (word.partition("=") for word in (host.text("proc/cmdline") or "").split())
    return {name: value for name, _, value in words if name in BOOT}


def huge_pages(host: Host) -> str | None:
    """The policy of transparent huge pages: always, madvise or never."""
    policies = host.text("sys/kernel/mm/transparent_hugepage/enabled") or ""
    return policies.partition("[")[2].partition("]")[0] or None


def pressure(host: Host, what: str) -> float | None:
    """Per cent of the last ten seconds in which something waited for "cpu" or "memory"; None where not reported."""
    words = (host.text(f"proc/pressure/{what}") or "").split()[:2]
    return next((float(word.removeprefix("avg10=")) for word in words if word.startswith("avg10=")), None)


@dataclass(frozen=True)
class Activity:
    """Running totals of the system at one moment; the difference of two says what happened in between.

    cores      number of cores; 0 when /proc/stat cannot be read
    busy       seconds of processor time used, over all cores
    stolen     seconds of processor time that the hypervisor gave to other machines, over all cores
    processes  name and processor seconds of each visible process but this one
    swapped    pages moved to and from swap
    throttled  how often a core was slowed down for its heat; None when that is not counted
    stopped    how often the control group was stopped; None when that is not counted
    """

    at: float
    cores: int
    busy: float
    stolen: float
    processes: dict[int, tuple[str, float]]
    swapped: int
    throttled: int | None
    stopped: int | None

    @staticmethod
    def now(host: Host) -> "Activity":
        """The totals at this moment."""
        stat = (host.text("proc/stat") or "").splitlines()
        ticks = [int(count) for count in stat[0].split()[1:] if count.isdigit()] if stat else []
        ticks += [0] * (10 - len(ticks))
        pages = host.fields("proc/vmstat", " ")
        counts = [
            host.number(path) for path in host.matching("sys/devices/system/cpu/cpu*/thermal_throttle/core_*count")
        ]
        known = [count for count in counts if count is not None]
        return Activity(
            at=clock.now(),
            cores=sum(line.startswith("cpu") for line in stat[1:]),
            busy=(sum(ticks[:3]) + sum(ticks[5:7])) / TICKS,
            stolen=ticks[7] / TICKS,
            processes=dict(_processes(host)),
            swapped=int(pages.get("pswpin", 0)) + int(pages.get("pswpout", 0)),
            throttled=sum(known) if known else None,
            stopped=limits(host).stopped,
        )


def _processes(host: Host) -> Iterator[tuple[int, tuple[str, float]]]:
    """Names and times of processes; never command lines, which may hold secrets."""
    for path in host.matching("proc/[0-9]*/stat"):
        name, _, rest = (host.text(path) or "").partition("(")[2].rpartition(")")
        fields, number = rest.split(), int(path.split("/")[1])
        if len(fields) > 12 and number != os.getpid():
            yield number, (name, (int(fields[11]) + int(fields[12])) / TICKS)
