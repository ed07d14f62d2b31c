"""Checks of memory, heat, kernel settings and disk. Each check yields findings and changes nothing.

What the kernel does not report is unknown, with the reason.
"""

import itertools
import os
import shutil
from collections.abc import Iterator

from bench import clock
from bench.doctor.snapshot import Snapshot, grade_of, percent, several, size
from bench.results.finding import Finding, Grade
from bench.system import linux

PRESSED = {
    "cpu": (10.0, 50.0),
    "memory": (1.0, 10.0),
}  # per cent of ten seconds in which something waited: caution, bad
SCARCE = 2**30  # bytes: what three arms with torch loaded need
ROOM = 2**28  # bytes that runs may take
NEAR = 15.0  # degrees below the temperature at which the machine slows down
READINGS = 2000  # of the clock
CLOCKS = ("tsc", "kvm-clock", "arch_sys_counter", "hyperv_clocksource_tsc_page", "hyperv_clocksource_msr")
SLOW_CLOCKS = ("hpet", "acpi_pm", "jiffies", "refined-jiffies", "pit")
PTRACE = {
    1: "only its ancestors and those it allows may look into a process; arms allow the profiler",
    2: "only administrators may look into another process",
    3: "nobody may look into another process",
}
CAP_SYS_PTRACE = 1 << 19
PROCESSOR_SENSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal")


def memory(snapshot: Snapshot) -> Iterator[Finding]:
    """Available memory, within the limit of a container if there is one, and swap."""
    kilobytes = {
        name: value.split()[0] for name, value in snapshot.host.fields("proc/meminfo").items() if value.split()
    }
    command = "ps -eo rss,comm --sort=-rss | head"
    if "MemAvailable" not in kilobytes:
        for topic in ("memory", "swap"):
            yield Finding.of(topic, "/proc/meminfo does not say", "/proc/meminfo", "unknown", command="free -h")
        return
    available, total = (int(kilobytes[name]) * 1024 for name in ("MemAvailable", "MemTotal"))
    limit = linux.limits(snapshot.host)
    within = ""
    if limit.memory is not None and limit.memory < total:
        available = min(available, limit.memory - (limit.memory_used or 0))
        total, within = limit.memory, " that this container may use"
    seen, source = f"{size(max(0, available))} of {size(total)}{within} available", "/proc/meminfo, /sys/fs/cgroup"
    grade = grade_of(SCARCE / max(1, available), 1, 4)
    yield Finding.of("memory", seen, source, grade, "free memory, or choose fewer rows", command)
    pages = snapshot.after.swapped - snapshot.before.swapped
    used = (int(kilobytes.get("SwapTotal", 0)) - int(kilobytes.get("SwapFree", 0))) * 1024
    moved = f"; {several(pages, 'page')} moved in {snapshot.seconds:.1f} s" if pages else ""
    grade = "bad" if pages else "caution" if used > 2**26 else "fine"
    there = "there is none" if kilobytes.get("SwapTotal", "0") == "0" else f"{size(used)} in use"
    source = "/proc/meminfo, /proc/vmstat"
    yield Finding.of(
        "swap",
        there + moved,
        source,
        grade,
        "free memory: what was moved to swap is slow when it is next used",
        command,
    )


def pressure(snapshot: Snapshot) -> Iterator[Finding]:
    """The share of the last ten seconds in which something waited for a core or for memory."""
    for what, (caution, bad) in PRESSED.items():
        path = f"proc/pressure/{what}"
        share, topic = linux.pressure(snapshot.host, what), f"{what} pressure"
        if share is None:
            advice = "start the kernel with psi=1 to see it"
            seen = "the kernel does not report it, at least not in this container"
            yield Finding.of(topic, seen, f"/{path}", "unknown", advice, "cat /proc/cmdline")
            continue
        seen = f"something waited for {what} during {share:.1f} % of the last 10 s"
        advice = "close what competes for it, or wait until it is done"
        command = "top -o %CPU" if what == "cpu" else "ps -eo rss,comm --sort=-rss | head"
        yield Finding.of(topic, seen, f"/{path}", grade_of(share, caution, bad), advice, command)


def heat(snapshot: Snapshot) -> Iterator[Finding]:
    """The highest temperature, how near it is to where the machine slows down, and whether it has done so."""
    advice, command = "let it cool, clean its fans, or give it less to do at a time", "sensors"
    sources = "/sys/class/thermal, /sys/class/hwmon"
    sensors = sorted(_temperatures(snapshot), reverse=True)
    if sensors:
        celsius, name, slows = sensors[0]
        limit = f"; it slows down at {slows:.0f} °C" if slows else ""
        grade = grade_of(celsius, slows - NEAR, slows) if slows else grade_of(celsius, 85, 95)
        yield Finding.of("temperature", f"{name} {celsius:.0f} °C{limit}", sources, grade, advice, command)
    else:
        why = "the hypervisor shows no sensor" if linux.virtual_machine(snapshot.host) else "no sensor can be read"
        yield Finding.of("temperature", why, sources, "unknown", command=command)
    counted, source = snapshot.after.throttled, "/sys/devices/system/cpu/cpu*/thermal_throttle"
    if counted is None:
        yield Finding.of(
            "heat throttling", "the kernel counts none on this processor", source, "unknown", command=command
        )
        return
    now = counted - (snapshot.before.throttled or 0)
    seen = f"{several(counted, 'time')} since the machine started" + (f", {now} of them just now" if now else "")
    throttled: Grade = "bad" if now else "caution" if counted else "fine"
    yield Finding.of("heat throttling", seen, source, throttled, advice, command)


def _temperatures(snapshot: Snapshot) -> Iterator[tuple[float, str, float]]:
    """Degrees Celsius, the sensor's name, and the degrees at which the machine slows down; 0 when not reported."""
    for zone in snapshot.host.matching("sys/class/thermal/thermal_zone*"):
        degrees = snapshot.host.number(f"{zone}/temp")
        if degrees is not None and degrees > 0:
            trips = {}
            for path in snapshot.host.matching(f"{zone}/trip_point_*_type"):
                trips[snapshot.host.text(path)] = snapshot.host.number(path.replace("_type", "_temp")) or 0
            slows = trips.get("passive") or trips.get("hot") or trips.get("critical") or 0
            yield degrees / 1e3, snapshot.host.text(f"{zone}/type") or "unnamed", max(0, slows) / 1e3
    for sensor in snapshot.host.matching("sys/class/hwmon/hwmon*"):
        degrees, name = snapshot.host.number(f"{sensor}/temp1_input"), snapshot.host.text(f"{sensor}/name") or ""
        if degrees is not None and name in PROCESSOR_SENSORS:
            yield degrees / 1e3, name, (snapshot.host.number(f"{sensor}/temp1_crit") or 0) / 1e3


def power(snapshot: Snapshot) -> Iterator[Finding]:
    """Whether a laptop runs on its battery; no finding where there is none."""
    paths = snapshot.host.matching("sys/class/power_supply/*/status")
    # a wireless mouse has a battery, too
    states = [
        snapshot.host.text(path) for path in paths if snapshot.host.text(path.replace("status", "scope")) != "Device"
    ]
    if states:
        draining = "Discharging" in states
        seen = "it runs on its battery" if draining else "it does not run on its battery"
        advice, command = "plug it in: on battery, processors run slower and less evenly", "upower --dump"
        yield Finding.of("power", seen, "/sys/class/power_supply", "bad" if draining else "fine", advice, command)


def settings(snapshot: Snapshot) -> Iterator[Finding]:
    """Huge pages, and whether the addresses of a process are random."""
    path = "sys/kernel/mm/transparent_hugepage/enabled"
    pages = linux.huge_pages(snapshot.host)
    meaning = {"always": "used without being asked for", "madvise": "used where a program asks", "never": "not used"}
    seen = f"{pages}: {meaning.get(pages, 'unknown setting')}" if pages else "the kernel does not say"
    yield Finding.of("huge pages", seen, f"/{path}", "fine" if pages else "unknown", command=f"cat /{path}")
    path = "proc/sys/kernel/randomize_va_space"
    level = snapshot.host.number(path)
    same = {None: "the kernel does not say", 0: "the same in every process", 1: "random, but for the heap"}
    grade: Grade = "unknown" if level is None else "fine" if level else "bad"
    advice = "make it random: a layout that is always the same may favour an arm in all rounds"
    command = "sudo sysctl kernel.randomize_va_space=2"
    yield Finding.of("address layout", same.get(level, "random"), f"/{path}", grade, advice, command)


def clock_source(snapshot: Snapshot) -> Iterator[Finding]:
    """The kernel's clock source, and the resolution and cost of the clock that times everything."""
    readings = [clock.now() for _ in range(READINGS)]
    steps = [later - earlier for earlier, later in itertools.pairwise(readings) if later > earlier]
    cost = (readings[-1] - readings[0]) / READINGS
    measured = f"a reading takes {cost * 1e9:.0f} ns, its smallest step is {min(steps, default=0.0) * 1e9:.0f} ns"
    path = "sys/devices/system/clocksource/clocksource0/current_clocksource"
    source = snapshot.host.text(path)
    grade: Grade = (
        "fine" if source in CLOCKS else "bad" if source in SLOW_CLOCKS else "caution" if source else "unknown"
    )
    seen = f"{source or 'the kernel does not name its clock source'}; {measured}"
    advice = "find out why the kernel does not use the processor's own counter"
    yield Finding.of("clock", seen, f"/{path}, bench/clock.py", grade, advice, "sudo dmesg | grep -i clocksource")


def ptrace(snapshot: Snapshot) -> Iterator[Finding]:
    """Whether a profiler may look into a running arm."""
    path = "proc/sys/kernel/yama/ptrace_scope"
    level = snapshot.host.number(path)
    powers = snapshot.host.fields("proc/self/status").get("CapEff", "0")
    able = bool(int(powers, 16) & CAP_SYS_PTRACE) and level != 3
    if not level:
        seen = "any process of the same user may look into another" + ("" if level == 0 else ": no Yama here")
    else:
        seen = PTRACE.get(level, f"level {level}") + (", and this process has the right" if able else "")
    grade: Grade = "fine" if able or level in (None, 0, 1) else "caution"
    advice = "allow it while you profile; races do not need it"
    yield Finding.of(
        "ptrace", seen, f"/{path}, /proc/self/status", grade, advice, "sudo sysctl kernel.yama.ptrace_scope=0"
    )


def disk(snapshot: Snapshot) -> Iterator[Finding]:
    """Free disk space for results."""
    place = snapshot.results.absolute()
    usage = shutil.disk_usage(next(folder for folder in (place, *place.parents) if folder.exists()))
    writable = os.access(next(folder for folder in (place, *place.parents) if folder.exists()), os.W_OK)
    seen = f"{size(usage.free)} free for results ({percent(usage.free / max(1, usage.total))})"
    grade: Grade = grade_of(ROOM / max(1, usage.free), 1, 10) if writable else "bad"
    sentence = seen if writable else "the results folder cannot be written to"
    yield Finding.of(
        "disk", sentence, "statvfs of the results folder", grade, "make room, or choose another --results", "df -h"
    )
