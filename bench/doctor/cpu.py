"""Checks of the processor: its speed, who else uses it, and how much of it this process may use.

Each check yields findings and changes nothing. What the kernel does not report is unknown, with the reason.
"""

import math
from collections.abc import Iterator

from bench.doctor.snapshot import Snapshot, grade_of, percent, several, size
from bench.results.finding import Finding, Grade
from bench.system import linux
from bench.system.environment import STOLEN

BUSY = 0.1  # share of all cores that others may use before it is reported as a caution
SHOWN = 4  # of the busiest processes
CPU = "/sys/devices/system/cpu"
NO_STAT = "/proc/stat cannot be read"


def processor(snapshot: Snapshot) -> Iterator[Finding]:
    """Model, cores, threads and caches."""
    model = linux.processor(snapshot.host)
    shared = [linux.siblings(snapshot.host, core) for core in range(snapshot.cores)]
    cores = round(sum(1 / (1 + len(threads or ())) for threads in shared))
    caches = [f"{name} {size(count)}" for name, count in model.caches.items()]
    counted = [several(cores, "core"), several(snapshot.cores, "thread")]
    name = model.model or model.signature or "/proc/cpuinfo names no model"
    grade: Grade = "fine" if model.model or model.signature else "unknown"
    source = f"/proc/cpuinfo, {CPU}"
    yield Finding.of("processor", f"{name}; {', '.join(counted + caches)}", source, grade, command="lscpu")


def hyper_threads(snapshot: Snapshot) -> Iterator[Finding]:
    """Whether a raced core shares its execution units with another hardware thread."""
    topic, source = "hyper-threading", f"{CPU}/cpu*/topology/thread_siblings_list"
    for core in snapshot.raced:
        siblings = linux.siblings(snapshot.host, core)
        if siblings:
            # the first core can seldom be taken offline, and one must be left for the main process
            free = siblings[0] != 0 and len(snapshot.allowed) > 2
            offline = f"echo 0 | sudo tee {CPU}/cpu{siblings[0]}/online"
            yield Finding.of(
                topic,
                f"core {core}, which races use, shares its execution units with {', '.join(map(str, siblings))}",
                source,
                "caution",
                "keep the sibling idle while you measure" + (", or take it offline; 1 brings it back" if free else ""),
                offline if free else "lscpu --extended",
            )
        elif siblings is None or linux.virtual_machine(snapshot.host):
            why = (
                "the kernel does not say"
                if siblings is None
                else "no sibling is shown, but a hypervisor need not show any"
            )
            yield Finding.of(
                topic, f"core {core}, which races use: {why}", source, "unknown", command="lscpu --extended"
            )
        else:
            yield Finding.of(topic, f"core {core}, which races use, has no sibling", source)


def frequency(snapshot: Snapshot) -> Iterator[Finding]:
    """The frequency policy of the raced core, and whether it may boost above its base clock."""
    core = snapshot.raced[0]
    policy = linux.frequency(snapshot.host, core)
    source = f"{CPU}/cpu{core}/cpufreq"
    if policy.governor is None:
        virtual = linux.virtual_machine(snapshot.host)
        why = "the hypervisor does not show the policy" if virtual else "the kernel shows no policy"
        now = snapshot.host.fields("proc/cpuinfo").get("cpu MHz")
        seen = why + (f"; {float(now) / 1e3:.2f} GHz by /proc/cpuinfo" if now else "")
        yield Finding.of("frequency", seen, source, "unknown", command="lscpu")
    else:
        speeds = [f"{hertz / 1e9:.2f} GHz" for hertz in (policy.current, policy.maximum) if hertz is not None]
        driver = f", driver {policy.driver}" if policy.driver else ""
        yield Finding.of(
            "frequency",
            f"governor {policy.governor}{driver}" + (f"; {' now, at most '.join(speeds)}" if speeds else ""),
            source,
            "fine" if policy.governor == "performance" else "caution",
            "let every core run at full clock, so that no arm is timed while its core speeds up",
            "sudo cpupower frequency-set -g performance",
        )
    if policy.boost is not None:
        inverted = policy.boost_path.endswith("no_turbo")
        yield Finding.of(
            "boost",
            "on: the clock depends on heat and on what the other cores do" if policy.boost else "off",
            f"/{policy.boost_path}",
            "caution" if policy.boost else "fine",
            "turn it off for the narrowest intervals, and on again afterwards",
            f"echo {int(inverted)} | sudo tee /{policy.boost_path}",
        )


def affinity(snapshot: Snapshot) -> Iterator[Finding]:
    """The cores this process may use, and whether the main process has one to itself."""
    alone = len(snapshot.allowed) > len(snapshot.raced)
    raced = ", ".join(map(str, snapshot.raced))
    sits = "" if alone else ", and the main process runs there too"
    yield Finding.of(
        "affinity",
        f"{len(snapshot.allowed)} of {several(snapshot.cores, 'core')} may be used; arms race on {raced}{sits}",
        "sched_getaffinity",
        "fine" if alone else "caution",
        "allow one core more than the arms use, so that the main process does not disturb them",
        f"taskset -c 0-{snapshot.cores - 1} python -m bench run"
        if snapshot.cores > len(snapshot.allowed)
        else "nproc --all",
    )


def limits(snapshot: Snapshot) -> Iterator[Finding]:
    """How much processor time the control groups allow."""
    allowed = linux.limits(snapshot.host)
    topic, source = "processor limit", "/sys/fs/cgroup"
    stopped = (snapshot.after.stopped or 0) - (snapshot.before.stopped or 0)
    cores = several(len(snapshot.allowed), "core")
    if not allowed.there:
        seen = "there are no control groups to read, so a limit cannot be seen"
        yield Finding.of(topic, seen, source, "unknown", command="cat /proc/self/cgroup")
    elif allowed.cores is None or allowed.cores >= len(snapshot.allowed):
        limit = "none" if allowed.cores is None else f"the time of {allowed.cores:g} cores, enough for {cores}"
        yield Finding.of(topic, limit + (f"; cores {allowed.cpuset}" if allowed.cpuset else ""), source)
    else:
        often = f"; stopped {several(stopped, 'time')} in {snapshot.seconds:.1f} s" if stopped else ""
        yield Finding.of(
            topic,
            f"the time of {allowed.cores:g} of {cores}{often}",
            source,
            "bad" if stopped or allowed.cores < 1 else "caution",
            "give the container whole cores, not a share of their time: when the share is used up, its processes are stopped",
            f"docker run --cpuset-cpus={','.join(map(str, range(max(1, math.floor(allowed.cores)))))} IMAGE",
        )


def virtual(snapshot: Snapshot) -> Iterator[Finding]:
    """Whether other people's machines, or other containers, may be on the same hardware."""
    machine, inside = linux.virtual_machine(snapshot.host), linux.container(snapshot.host)
    yield Finding.of(
        "virtual machine",
        f"yes, {machine}" if machine else "no sign of one",
        "/proc/cpuinfo, /proc/version, /sys/class/dmi/id, /sys/hypervisor",
        "caution" if machine else "fine",
        "others may share its hardware: trust ratios more than seconds, and repeat at another time",
        "systemd-detect-virt --vm",
    )
    seen = f"{inside}; what happens outside it may not show here" if inside else "no sign of one"
    yield Finding.of("container", seen, "/.dockerenv, /run/.containerenv, /run/systemd/container, /proc/1/cgroup")


def steal(snapshot: Snapshot) -> Iterator[Finding]:
    """Processor time that the hypervisor gave to other machines."""
    if not snapshot.after.cores:
        yield Finding.of("steal", NO_STAT, "/proc/stat", "unknown", command="vmstat 1 10")
        return
    share = snapshot.share(snapshot.after.stolen - snapshot.before.stolen)
    yield Finding.of(
        "steal",
        f"{percent(share)} of the processor's time went to other machines in {snapshot.seconds:.1f} s",
        "/proc/stat",
        grade_of(share, STOLEN, 5 * STOLEN),
        "repeat at a quieter time, or on a machine that is not shared",
        "vmstat 1 10",
    )


def load(snapshot: Snapshot) -> Iterator[Finding]:
    """Which other processes are running: names and shares, no command lines."""
    source = "/proc/stat, /proc/*/stat, /proc/loadavg"
    if not snapshot.after.cores:
        yield Finding.of("other processes", NO_STAT, source, "unknown", command="top -o %CPU")
        return
    share = snapshot.share(snapshot.after.busy - snapshot.before.busy)
    spent: dict[str, float] = {}
    for number, (name, seconds) in snapshot.after.processes.items():
        spent[name] = spent.get(name, 0.0) + seconds - snapshot.before.processes.get(number, (name, 0.0))[1]
    busiest = sorted(
        ((seconds / snapshot.seconds, name) for name, seconds in spent.items() if seconds > 0), reverse=True
    )
    named = ", ".join(f"{name} {percent(used)}" for used, name in busiest[:SHOWN])
    average = (snapshot.host.text("proc/loadavg") or "unknown").partition(" ")[0]
    yield Finding.of(
        "other processes",
        f"they use {percent(share)} of {several(snapshot.cores, 'core')}"
        + (f" (of one core: {named})" if named else "")
        + f"; load average {average}",
        source,
        grade_of(share, BUSY, 5 * BUSY),
        "close them, or repeat when the machine is idle",
        "top -o %CPU",
    )
