"""What is fine of memory, heat, kernel settings and disk, and what is not. Each check yields findings and changes nothing.

What the kernel does not tell is unknown, with the reason. Apart from the doctor, who only asks in turn.
"""

import itertools
import os
import shutil
from collections.abc import Iterator

from bench import clock
from bench.doctor.snapshot import Snapshot, graded, judged, percent, several, size
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
    1: "only its ancestors may look into a process, and whom it lets: arms let the profiler",
    2: "only administrators may look into another",
    3: "nobody may look into another",
}
CAP_SYS_PTRACE = 1 << 19
PROCESSOR_SENSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal")


def memory(scene: Snapshot) -> Iterator[Finding]:
    """What is available, within the limit of a container where there is one."""
    kilobytes = {name: value.split()[0] for name, value in scene.host.fields("proc/meminfo").items() if value.split()}
    command = "ps -eo rss,comm --sort=-rss | head"
    if "MemAvailable" not in kilobytes:
        for topic in ("memory", "swap"):
            yield judged(topic, "/proc/meminfo does not say", "/proc/meminfo", "unknown", command="free -h")
        return
    available, total = (int(kilobytes[name]) * 1024 for name in ("MemAvailable", "MemTotal"))
    limit = linux.limits(scene.host)
    within = ""
    if limit.memory is not None and limit.memory < total:
        available = min(available, limit.memory - (limit.memory_used or 0))
        total, within = limit.memory, " that this container may use"
    seen, source = f"{size(max(0, available))} of {size(total)}{within} available", "/proc/meminfo, /sys/fs/cgroup"
    grade = graded(SCARCE / max(1, available), 1, 4)
    yield judged("memory", seen, source, grade, "free memory, or choose fewer rows", command)
    pages = scene.after.swapped - scene.before.swapped
    used = (int(kilobytes.get("SwapTotal", 0)) - int(kilobytes.get("SwapFree", 0))) * 1024
    moved = f"; {several(pages, 'page')} moved in {scene.seconds:.1f} s" if pages else ""
    grade = "bad" if pages else "caution" if used > 2**26 else "fine"
    there = "there is none" if kilobytes.get("SwapTotal", "0") == "0" else f"{size(used)} in use"
    source = "/proc/meminfo, /proc/vmstat"
    yield judged(
        "swap", there + moved, source, grade, "free memory: what lies in swap is slow when first used", command
    )


def pressure(scene: Snapshot) -> Iterator[Finding]:
    """For how much of the last ten seconds something waited for a core or for memory."""
    for what, (caution, bad) in PRESSED.items():
        path = f"proc/pressure/{what}"
        share, topic = linux.pressure(scene.host, what), f"{what} pressure"
        if share is None:
            advice = "start the kernel with psi=1 to have it told"
            seen = "the kernel does not keep it, or not in this container"
            yield judged(topic, seen, f"/{path}", "unknown", advice, "cat /proc/cmdline")
            continue
        seen = f"something waited for {what} during {share:.1f} % of the last 10 s"
        advice = "close what competes for it, or wait until it is done"
        command = "top -o %CPU" if what == "cpu" else "ps -eo rss,comm --sort=-rss | head"
        yield judged(topic, seen, f"/{path}", graded(share, caution, bad), advice, command)


def heat(scene: Snapshot) -> Iterator[Finding]:
    """Temperatures, how far they are from those at which the machine slows down, and whether it did."""
    advice, command = "let it cool, clean its fans, or give it less to do at a time", "sensors"
    sources = "/sys/class/thermal, /sys/class/hwmon"
    found = sorted(_temperatures(scene), reverse=True)
    if found:
        celsius, name, slows = found[0]
        limit = f"; it slows down at {slows:.0f} °C" if slows else ""
        grade = graded(celsius, slows - NEAR, slows) if slows else graded(celsius, 85, 95)
        yield judged("temperature", f"{name} {celsius:.0f} °C{limit}", sources, grade, advice, command)
    else:
        why = "a virtual machine is not told" if linux.virtual_machine(scene.host) else "no sensor can be read"
        yield judged("temperature", why, sources, "unknown", command=command)
    counted, source = scene.after.throttled, "/sys/devices/system/cpu/cpu*/thermal_throttle"
    if counted is None:
        yield judged("heat throttling", "the kernel counts none on this processor", source, "unknown", command=command)
        return
    now = counted - (scene.before.throttled or 0)
    seen = f"{several(counted, 'time')} since the machine started" + (f", {now} of them just now" if now else "")
    throttled: Grade = "bad" if now else "caution" if counted else "fine"
    yield judged("heat throttling", seen, source, throttled, advice, command)


def _temperatures(scene: Snapshot) -> Iterator[tuple[float, str, float]]:
    """Degrees, the sensor's name, and the degrees at which the machine slows down; 0 when it does not say."""
    for zone in scene.host.matching("sys/class/thermal/thermal_zone*"):
        degrees = scene.host.number(f"{zone}/temp")
        if degrees is not None and degrees > 0:
            trips = {}
            for path in scene.host.matching(f"{zone}/trip_point_*_type"):
                trips[scene.host.text(path)] = scene.host.number(path.replace("_type", "_temp")) or 0
            slows = trips.get("passive") or trips.get("hot") or trips.get("critical") or 0
            yield degrees / 1e3, scene.host.text(f"{zone}/type") or "unnamed", max(0, slows) / 1e3
    for sensor in scene.host.matching("sys/class/hwmon/hwmon*"):
        degrees, name = scene.host.number(f"{sensor}/temp1_input"), scene.host.text(f"{sensor}/name") or ""
        if degrees is not None and name in PROCESSOR_SENSORS:
            yield degrees / 1e3, name, (scene.host.number(f"{sensor}/temp1_crit") or 0) / 1e3


def power(scene: Snapshot) -> Iterator[Finding]:
    """Whether a laptop runs on its battery; silent where there is none."""
    paths = scene.host.matching("sys/class/power_supply/*/status")
    # a wireless mouse has a battery, too
    states = [scene.host.text(path) for path in paths if scene.host.text(path.replace("status", "scope")) != "Device"]
    if states:
        draining = "Discharging" in states
        seen = "it runs on its battery" if draining else "it does not run on its battery"
        advice, command = "plug it in: batteries make processors slower, and not evenly", "upower --dump"
        yield judged("power", seen, "/sys/class/power_supply", "bad" if draining else "fine", advice, command)


def settings(scene: Snapshot) -> Iterator[Finding]:
    """Huge pages, and whether processes get fresh addresses each time."""
    path = "sys/kernel/mm/transparent_hugepage/enabled"
    pages = linux.huge_pages(scene.host)
    meaning = {"always": "given without being asked for", "madvise": "given to who asks", "never": "given to nobody"}
    seen = f"{pages}: {meaning.get(pages, 'unheard of')}" if pages else "the kernel does not say"
    yield judged("huge pages", seen, f"/{path}", "fine" if pages else "unknown", command=f"cat /{path}")
    path = "proc/sys/kernel/randomize_va_space"
    level = scene.host.number(path)
    same = {None: "the kernel does not say", 0: "the same in every process", 1: "random, but for the heap"}
    grade: Grade = "unknown" if level is None else "fine" if level else "bad"
    advice = "let every process draw its own: one that is always the same may favour an arm in all rounds"
    command = "sudo sysctl kernel.randomize_va_space=2"
    yield judged("address layout", same.get(level, "random"), f"/{path}", grade, advice, command)


def clock_source(scene: Snapshot) -> Iterator[Finding]:
    """What the kernel counts time by, and how fine and how quick the clock is that times everything."""
    readings = [clock.now() for _ in range(READINGS)]
    steps = [later - earlier for earlier, later in itertools.pairwise(readings) if later > earlier]
    each = (readings[-1] - readings[0]) / READINGS
    measured = f"a reading takes {each * 1e9:.0f} ns, its smallest step is {min(steps, default=0.0) * 1e9:.0f} ns"
    path = "sys/devices/system/clocksource/clocksource0/current_clocksource"
    found = scene.host.text(path)
    grade: Grade = "fine" if found in CLOCKS else "bad" if found in SLOW_CLOCKS else "caution" if found else "unknown"
    seen = f"{found or 'the kernel does not say what it counts time by'}; {measured}"
    advice = "see why the kernel does not use the processor's own counter"
    yield judged("clock", seen, f"/{path}, bench/clock.py", grade, advice, "sudo dmesg | grep -i clocksource")


def ptrace(scene: Snapshot) -> Iterator[Finding]:
    """Whether a profiler may look into a running arm."""
    path = "proc/sys/kernel/yama/ptrace_scope"
    level = scene.host.number(path)
    powers = scene.host.fields("proc/self/status").get("CapEff", "0")
    able = bool(int(powers, 16) & CAP_SYS_PTRACE) and level != 3
    if not level:
        seen = "any process of the same user may look into another" + ("" if level == 0 else ": no Yama here")
    else:
        seen = PTRACE.get(level, f"level {level}") + (", and this process has the right" if able else "")
    grade: Grade = "fine" if able or level in (None, 0, 1) else "caution"
    advice = "allow it while you profile; races do not need it"
    yield judged("ptrace", seen, f"/{path}, /proc/self/status", grade, advice, "sudo sysctl kernel.yama.ptrace_scope=0")


def disk(scene: Snapshot) -> Iterator[Finding]:
    """Room for results."""
    place = scene.results.absolute()
    found = shutil.disk_usage(next(each for each in (place, *place.parents) if each.exists()))
    writable = os.access(next(each for each in (place, *place.parents) if each.exists()), os.W_OK)
    seen = f"{size(found.free)} free for results ({percent(found.free / max(1, found.total))})"
    grade: Grade = graded(ROOM / max(1, found.free), 1, 10) if writable else "bad"
    said = seen if writable else "the results folder cannot be written to"
    yield judged(
        "disk", said, "statvfs of the results folder", grade, "make room, or choose another --results", "df -h"
    )
