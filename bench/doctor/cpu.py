"""What is fine of the processor and what is not: its speed, who else uses it, and how much of it we get.

Each check yields findings and changes nothing; what the kernel does not tell is unknown, with the reason. Apart from the
doctor, who only asks in turn.
"""

import math
from collections.abc import Iterator

from bench.doctor.snapshot import Snapshot, graded, judged, percent, several, size
from bench.results.finding import Finding, Grade
from bench.system import linux
from bench.system.environment import STOLEN

BUSY = 0.1  # share of all cores that others may use before it is worth a word
SHOWN = 4  # of the busiest processes
CPU = "/sys/devices/system/cpu"
NO_STAT = "/proc/stat cannot be read"


def processor(scene: Snapshot) -> Iterator[Finding]:
    """Model, cores, threads and caches."""
    found = linux.processor(scene.host)
    shared = [linux.siblings(scene.host, core) for core in range(scene.cores)]
    cores = round(sum(1 / (1 + len(each or ())) for each in shared))
    caches = [f"{name} {size(each)}" for name, each in found.caches.items()]
    counted = [several(cores, "core"), several(scene.cores, "thread")]
    name = found.model or found.signature or "/proc/cpuinfo names no model"
    grade: Grade = "fine" if found.model or found.signature else "unknown"
    source = f"/proc/cpuinfo, {CPU}"
    yield judged("processor", f"{name}; {', '.join(counted + caches)}", source, grade, command="lscpu")


def hyper_threads(scene: Snapshot) -> Iterator[Finding]:
    """Whether a raced core shares its execution units with another hardware thread."""
    topic, source = "hyper-threading", f"{CPU}/cpu*/topology/thread_siblings_list"
    for core in scene.raced:
        found = linux.siblings(scene.host, core)
        if found:
            # the first core can seldom be taken offline, and one must be left for the conductor
            free = found[0] != 0 and len(scene.allowed) > 2
            offline = f"echo 0 | sudo tee {CPU}/cpu{found[0]}/online"
            yield judged(
                topic,
                f"core {core}, which races use, shares its execution units with {', '.join(map(str, found))}",
                source,
                "caution",
                "keep the sibling idle while you measure" + (", or take it offline; 1 brings it back" if free else ""),
                offline if free else "lscpu --extended",
            )
        elif found is None or linux.virtual_machine(scene.host):
            why = (
                "the kernel does not say"
                if found is None
                else "no sibling is shown, but a hypervisor need not show any"
            )
            yield judged(topic, f"core {core}, which races use: {why}", source, "unknown", command="lscpu --extended")
        else:
            yield judged(topic, f"core {core}, which races use, has no sibling", source)


def frequency(scene: Snapshot) -> Iterator[Finding]:
    """Who decides how fast the raced core runs, and whether it may run faster than its base clock for a while."""
    core = scene.raced[0]
    found = linux.frequency(scene.host, core)
    source = f"{CPU}/cpu{core}/cpufreq"
    if found.governor is None:
        virtual = linux.virtual_machine(scene.host)
        why = "the hypervisor keeps the policy to itself" if virtual else "the kernel shows no policy"
        now = scene.host.fields("proc/cpuinfo").get("cpu MHz")
        seen = why + (f"; {float(now) / 1e3:.2f} GHz by /proc/cpuinfo" if now else "")
        yield judged("frequency", seen, source, "unknown", command="lscpu")
    else:
        speeds = [f"{each / 1e9:.2f} GHz" for each in (found.current, found.maximum) if each is not None]
        driver = f", driver {found.driver}" if found.driver else ""
        yield judged(
            "frequency",
            f"governor {found.governor}{driver}" + (f"; {' now, at most '.join(speeds)}" if speeds else ""),
            source,
            "fine" if found.governor == "performance" else "caution",
            "let every core run at full clock, so that no arm is timed while its core speeds up",
            "sudo cpupower frequency-set -g performance",
        )
    if found.boost is not None:
        inverted = found.boost_path.endswith("no_turbo")
        yield judged(
            "boost",
            "on: the clock depends on heat and on what the other cores do" if found.boost else "off",
            f"/{found.boost_path}",
            "caution" if found.boost else "fine",
            "turn it off for the narrowest intervals, and on again afterwards",
            f"echo {int(inverted)} | sudo tee /{found.boost_path}",
        )


def affinity(scene: Snapshot) -> Iterator[Finding]:
    """The cores this process may use, and whether the conductor has one to itself."""
    alone = len(scene.allowed) > len(scene.raced)
    raced = ", ".join(map(str, scene.raced))
    sits = "" if alone else ", and the conductor sits there too"
    yield judged(
        "affinity",
        f"{len(scene.allowed)} of {several(scene.cores, 'core')} may be used; arms race on {raced}{sits}",
        "sched_getaffinity",
        "fine" if alone else "caution",
        "allow one core more than the arms use, so that the conductor disturbs none of them",
        f"taskset -c 0-{scene.cores - 1} python -m bench run" if scene.cores > len(scene.allowed) else "nproc --all",
    )


def limits(scene: Snapshot) -> Iterator[Finding]:
    """How much processor time the control groups allow."""
    found = linux.limits(scene.host)
    topic, source = "processor limit", "/sys/fs/cgroup"
    stopped = (scene.after.stopped or 0) - (scene.before.stopped or 0)
    cores = several(len(scene.allowed), "core")
    if not found.there:
        seen = "there are no control groups to read, so a limit would not show"
        yield judged(topic, seen, source, "unknown", command="cat /proc/self/cgroup")
    elif found.cores is None or found.cores >= len(scene.allowed):
        limit = "none" if found.cores is None else f"the time of {found.cores:g} cores, enough for {cores}"
        yield judged(topic, limit + (f"; cores {found.cpuset}" if found.cpuset else ""), source)
    else:
        often = f"; stopped {several(stopped, 'time')} in {scene.seconds:.1f} s" if stopped else ""
        yield judged(
            topic,
            f"the time of {found.cores:g} of {cores}{often}",
            source,
            "bad" if stopped or found.cores < 1 else "caution",
            "give the container whole cores, not a share of their time: once it is used up, blocks stand still",
            f"docker run --cpuset-cpus={','.join(map(str, range(max(1, math.floor(found.cores)))))} IMAGE",
        )


def virtual(scene: Snapshot) -> Iterator[Finding]:
    """Whether other people's machines, or other containers, may be on the same hardware."""
    machine, inside = linux.virtual_machine(scene.host), linux.container(scene.host)
    yield judged(
        "virtual machine",
        f"yes, {machine}" if machine else "nothing speaks for one",
        "/proc/cpuinfo, /proc/version, /sys/class/dmi/id, /sys/hypervisor",
        "caution" if machine else "fine",
        "others may share its hardware unseen: trust ratios more than seconds, and repeat at another hour",
        "systemd-detect-virt --vm",
    )
    seen = f"{inside}; what happens outside it may not show here" if inside else "nothing speaks for one"
    yield judged("container", seen, "/.dockerenv, /run/.containerenv, /run/systemd/container, /proc/1/cgroup")


def steal(scene: Snapshot) -> Iterator[Finding]:
    """The time that the hypervisor gave to somebody else."""
    if not scene.after.cores:
        yield judged("steal", NO_STAT, "/proc/stat", "unknown", command="vmstat 1 10")
        return
    share = scene.share(scene.after.stolen - scene.before.stolen)
    yield judged(
        "steal",
        f"{percent(share)} of the processor's time went to other machines in {scene.seconds:.1f} s",
        "/proc/stat",
        graded(share, STOLEN, 5 * STOLEN),
        "repeat at a quieter time, or on a machine that is not shared",
        "vmstat 1 10",
    )


def load(scene: Snapshot) -> Iterator[Finding]:
    """What else is running: names and shares, no command lines."""
    source = "/proc/stat, /proc/*/stat, /proc/loadavg"
    if not scene.after.cores:
        yield judged("other processes", NO_STAT, source, "unknown", command="top -o %CPU")
        return
    share = scene.share(scene.after.busy - scene.before.busy)
    spent: dict[str, float] = {}
    for number, (name, seconds) in scene.after.processes.items():
        spent[name] = spent.get(name, 0.0) + seconds - scene.before.processes.get(number, (name, 0.0))[1]
    busiest = sorted(((seconds / scene.seconds, name) for name, seconds in spent.items() if seconds > 0), reverse=True)
    named = ", ".join(f"{name} {percent(each)}" for each, name in busiest[:SHOWN])
    average = (scene.host.text("proc/loadavg") or "unknown").partition(" ")[0]
    yield judged(
        "other processes",
        f"they use {percent(share)} of {several(scene.cores, 'core')}"
        + (f" (of one core: {named})" if named else "")
        + f"; load average {average}",
        source,
        graded(share, BUSY, 5 * BUSY),
        "close them, or repeat when the machine is idle",
        "top -o %CPU",
    )
