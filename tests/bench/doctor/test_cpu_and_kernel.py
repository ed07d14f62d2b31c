"""Grades of the checks of processor and kernel, on made-up machines with one thing changed."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench import clock
from bench.doctor import cpu, kernel
from bench.doctor.snapshot import Snapshot
from bench.results.finding import Finding
from tests.bench.system.machines import CPU, WELL, snapshot

VIRTUAL = {"proc/cpuinfo": "model name : Cloud\nflags : fpu hypervisor"}
GIB = 2**30 // 1024  # in the kernel's kB


def by_topic(check: Callable[[Snapshot], Iterator[Finding]], snapshot: Snapshot) -> dict[str, Finding]:
    """The findings of a check, by topic."""
    return {each.topic: each for each in check(snapshot)}


@pytest.mark.parametrize(
    "check",
    [
        *(getattr(cpu, name) for name in ("processor", "hyper_threads", "frequency", "affinity", "limits")),
        *(getattr(cpu, name) for name in ("virtual", "steal", "load")),
        *(getattr(kernel, name) for name in ("memory", "pressure", "heat", "settings", "ptrace", "power")),
    ],
)
def test_a_machine_on_which_all_is_well_is_fine(tmp_path: Path, check: Callable[[Snapshot], Iterator[Finding]]) -> None:
    """Every check calls it fine, and then advises nothing."""
    for each in check(snapshot(tmp_path)):
        assert ("fine", "", "") == (each.grade, each.advice, each.command), each.seen
        assert each.source


def test_every_finding_that_is_not_fine_names_a_command(tmp_path: Path) -> None:
    """On a machine that reports nothing, every finding still has a command to type."""
    bare = snapshot(tmp_path)
    shutil.rmtree(tmp_path / "proc")
    shutil.rmtree(tmp_path / "sys")
    told = [*cpu.hyper_threads(bare), *cpu.frequency(bare), *cpu.limits(bare)]
    told += [*kernel.memory(bare), *kernel.pressure(bare), *kernel.heat(bare)]
    told += [*kernel.settings(bare), *kernel.clock_source(bare)]
    assert {"unknown"} == {each.grade for each in told if each.topic != "heat throttling"}
    assert [] == [each.topic for each in told if each.grade != "fine" and not each.command]


def test_a_sibling_thread_of_a_raced_core_is_named(tmp_path: Path) -> None:
    """The raced core shares its units with core 3: a caution, with the command that takes just that one offline.

    Where only two are allowed, or the other is the first, which kernels keep, there is nothing to take offline.
    """
    place = snapshot(tmp_path, {f"{CPU}/cpu1/topology/thread_siblings_list": "1,3"})
    few = by_topic(cpu.hyper_threads, replace(place, allowed=(1, 3)))["hyper-threading"]
    assert "offline" not in few.advice + few.command
    finding = by_topic(cpu.hyper_threads, replace(place, allowed=(0, 1, 2, 3)))["hyper-threading"]
    assert ("caution", f"echo 0 | sudo tee /{CPU}/cpu3/online") == (finding.grade, finding.command)
    assert "core 1" in finding.seen
    assert finding.seen.endswith("with 3")


def test_a_hypervisor_may_hide_siblings_and_frequency(tmp_path: Path) -> None:
    """In a virtual machine neither is known, and the virtual machine itself is a caution."""
    place = snapshot(tmp_path, VIRTUAL)
    shutil.rmtree(tmp_path / CPU / "cpu1/cpufreq")
    assert "unknown" == by_topic(cpu.hyper_threads, place)["hyper-threading"].grade
    policy = by_topic(cpu.frequency, place)["frequency"]
    assert ("unknown", True) == (policy.grade, "hypervisor" in policy.seen)
    assert "caution" == by_topic(cpu.virtual, place)["virtual machine"].grade


def test_a_governor_that_saves_power_and_a_boost_are_cautions(tmp_path: Path) -> None:
    """Each says what to type; where Intel's driver rules, its own file is written."""
    changed = {f"{CPU}/cpu1/cpufreq/scaling_governor": "powersave", f"{CPU}/intel_pstate/no_turbo": "0"}
    one = by_topic(cpu.frequency, snapshot(tmp_path, changed))
    assert {"frequency": "caution", "boost": "caution"} == {topic: each.grade for topic, each in one.items()}
    assert "powersave" in one["frequency"].seen
    assert "3.00 GHz now, at most 3.60 GHz" in one["frequency"].seen
    assert f"echo 1 | sudo tee /{CPU}/intel_pstate/no_turbo" == one["boost"].command


def test_a_main_process_without_a_core_of_its_own_is_a_caution(tmp_path: Path) -> None:
    """Where one core of two is allowed, the command allows both."""
    place = snapshot(tmp_path)
    crowded = Snapshot(**vars(place) | {"allowed": [1]})
    finding = by_topic(cpu.affinity, crowded)["affinity"]
    assert ("caution", "taskset -c 0-1 python -m bench run") == (finding.grade, finding.command)


@pytest.mark.parametrize(
    ("quota", "stopped", "grade"),
    [
        ("200000 100000", 0, "fine"),
        ("150000 100000", 0, "caution"),
        ("150000 100000", 4, "bad"),
        ("50000 100000", 0, "bad"),
    ],
)
def test_a_share_of_processor_time_is_judged_by_what_it_does(
    tmp_path: Path, quota: str, stopped: int, grade: str
) -> None:
    """Fine when it is all there is to have; a caution when it is less; bad when it stops the group, or is below a core."""
    group = "sys/fs/cgroup/user/session"
    stat = "nr_throttled {}"
    place = snapshot(
        tmp_path,
        {f"{group}/cpu.max": quota, f"{group}/cpu.stat": stat.format(7)},
        {f"{group}/cpu.stat": stat.format(7 + stopped)},
    )
    finding = by_topic(cpu.limits, place)["processor limit"]
    assert grade == finding.grade
    assert (f"stopped {stopped} times" in finding.seen) == bool(stopped)


@pytest.mark.parametrize(("stolen", "grade"), [(0, "fine"), (3, "fine"), (10, "caution"), (60, "bad")])
def test_stolen_time_is_a_share_of_all_cores(tmp_path: Path, stolen: int, grade: str) -> None:
    """Of 200 ticks that two cores have in a second, 2 % may be stolen, and 10 % are bad."""
    later = {"proc/stat": WELL["proc/stat"].replace("1000 0 0 0 0", f"1000 0 0 0 {stolen}")}
    finding = by_topic(cpu.steal, snapshot(tmp_path, later=later))["steal"]
    assert grade == finding.grade
    assert finding.seen.startswith(f"{stolen / 2:.{0 if stolen >= 20 else 1}f} %")


def test_other_processes_are_named_and_nothing_else_of_them(tmp_path: Path) -> None:
    """The busiest first, equal names together; no command line, no path and no number of theirs."""
    line = "{} ({}) R 1 1 1 0 -1 0 0 0 0 0 {} 0 0 0 20 0 1 0 5"
    before = {f"proc/{n}/stat": line.format(n, name, 5) for n, name in ((70, "thief"), (71, "thief"), (72, "mouse"))}
    before |= {"proc/70/cmdline": "thief --password=hunter2 /home/somebody"}
    later = {
        f"proc/{n}/stat": line.format(n, name, t)
        for n, name, t in ((70, "thief", 45), (71, "thief", 35), (72, "mouse", 6))
    }
    later |= {"proc/stat": WELL["proc/stat"].replace("cpu 100", "cpu 171")}
    finding = by_topic(cpu.load, snapshot(tmp_path, before, later))["other processes"]
    assert "36 % of 2 cores (of one core: thief 70 %, mouse 1.0 %); load average 0.05" in finding.seen
    assert ("caution", False) == (finding.grade, "hunter2" in str(finding))


@pytest.mark.parametrize(("kilobytes", "grade"), [(8 * GIB, "fine"), (GIB // 2, "caution"), (GIB // 8, "bad")])
def test_memory_must_hold_a_few_arms(tmp_path: Path, kilobytes: int, grade: str) -> None:
    """Below a GiB is a caution, below a quarter of it bad."""
    text = f"MemTotal: {16 * GIB} kB\nMemAvailable: {kilobytes} kB\nSwapTotal: 0 kB"
    finding = by_topic(kernel.memory, snapshot(tmp_path, {"proc/meminfo": text}))["memory"]
    assert grade == finding.grade


def test_the_memory_of_a_container_is_what_its_limit_leaves(tmp_path: Path) -> None:
    """The machine has 8 GiB available; the group has used 700 MiB of its one GiB."""
    group = "sys/fs/cgroup/user/session"
    changed = {f"{group}/memory.max": str(2**30), f"{group}/memory.current": str(700 * 2**20)}
    finding = by_topic(kernel.memory, snapshot(tmp_path, changed))["memory"]
    assert ("caution", "324 MiB of 1.0 GiB that this container may use available") == (finding.grade, finding.seen)


def test_swap_in_use_is_a_caution_and_pages_that_move_are_bad(tmp_path: Path) -> None:
    """Pages that stay in swap are a caution; pages that move are bad."""
    text = WELL["proc/meminfo"].replace("SwapTotal: 0 kB\nSwapFree: 0 kB", f"SwapTotal: {GIB} kB\nSwapFree: 0 kB")
    still = by_topic(kernel.memory, snapshot(tmp_path, {"proc/meminfo": text}))["swap"]
    moving = by_topic(kernel.memory, snapshot(tmp_path, later={"proc/vmstat": "pswpin 5\npswpout 0"}))["swap"]
    assert ("caution", "bad") == (still.grade, moving.grade)
    assert "5 pages moved in 1.0 s" in moving.seen


@pytest.mark.parametrize(("share", "grade"), [("9.00", "fine"), ("11.00", "caution"), ("90.00", "bad")])
def test_waiting_for_a_core_is_judged_by_its_share(tmp_path: Path, share: str, grade: str) -> None:
    """Pressure is graded by its average over the last ten seconds."""
    changed = {"proc/pressure/cpu": f"some avg10={share} avg60=0 avg300=0 total=0"}
    assert grade == by_topic(kernel.pressure, snapshot(tmp_path, changed))["cpu pressure"].grade


def test_heat_is_judged_by_where_the_machine_slows_down(tmp_path: Path) -> None:
    """With a limit of 95 degrees 81 is near and 96 above; without one 85 and 95 count. Throttling is reported."""
    zone = "sys/class/thermal/thermal_zone0"
    grades = [
        by_topic(kernel.heat, snapshot(tmp_path, {f"{zone}/temp": degrees}))["temperature"].grade
        for degrees in ("79000", "81000", "96000")
    ]
    assert grades == ["fine", "caution", "bad"]
    count = f"{CPU}/cpu0/thermal_throttle/core_throttle_count"
    past = by_topic(kernel.heat, snapshot(tmp_path, {count: "3"}))["heat throttling"]
    now = by_topic(kernel.heat, snapshot(tmp_path, {count: "3"}, {count: "5"}))["heat throttling"]
    assert ("caution", "bad") == (past.grade, now.grade)
    assert "5 times since the machine started, 2 of them just now" == now.seen


def test_a_battery_is_bad_and_a_machine_without_one_says_nothing(tmp_path: Path) -> None:
    """Plugged in is fine."""
    assert {} == by_topic(kernel.power, snapshot(tmp_path))
    state = "sys/class/power_supply/BAT0/status"
    assert "fine" == by_topic(kernel.power, snapshot(tmp_path, {state: "Charging"}))["power"].grade
    assert "bad" == by_topic(kernel.power, snapshot(tmp_path, {state: "Discharging"}))["power"].grade
    mouse = {state.replace("status", "scope"): "Device", state: "Discharging"}
    assert {} == by_topic(kernel.power, snapshot(tmp_path, mouse))


def test_addresses_that_never_change_are_bad(tmp_path: Path) -> None:
    """A layout that is always the same may favour one arm in every round."""
    one = by_topic(kernel.settings, snapshot(tmp_path, {"proc/sys/kernel/randomize_va_space": "0"}))
    assert ("bad", "sudo sysctl kernel.randomize_va_space=2") == (
        one["address layout"].grade,
        one["address layout"].command,
    )


@pytest.mark.parametrize(("source", "grade"), [("tsc", "fine"), ("hpet", "bad"), ("a new one", "caution")])
def test_the_kernel_must_count_by_a_quick_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, grade: str
) -> None:
    """Its name decides; how long a reading takes and how fine it is are measured by the clock that times everything."""
    ticks = iter(range(10**6))
    monkeypatch.setattr(clock, "now", lambda: next(ticks) // 4 * 1e-6)
    path = "sys/devices/system/clocksource/clocksource0/current_clocksource"
    finding = by_topic(kernel.clock_source, snapshot(tmp_path, {path: source}))["clock"]
    assert grade == finding.grade
    assert "a reading takes 250 ns, its smallest step is 1000 ns" in finding.seen


@pytest.mark.parametrize(
    ("scope", "powers", "grade"),
    [
        ("0", "0", "fine"),
        ("1", "0", "fine"),
        ("1", "80000", "fine"),
        ("2", "0", "caution"),
        ("3", "80000", "caution"),
    ],
)
def test_a_profiler_must_be_allowed_to_look(tmp_path: Path, scope: str, powers: str, grade: str) -> None:
    """Yama's first level admits whom an arm admits, the second only privileged processes, the third none."""
    changed = {"proc/sys/kernel/yama/ptrace_scope": scope, "proc/self/status": f"CapEff:\t{powers}"}
    assert grade == by_topic(kernel.ptrace, snapshot(tmp_path, changed))["ptrace"].grade


def test_a_results_folder_that_is_not_there_yet_is_judged_by_the_one_it_will_be_in(tmp_path: Path) -> None:
    """The finding names free space, and no path."""
    finding = by_topic(kernel.disk, snapshot(tmp_path))["disk"]
    assert "free for results" in finding.seen
    assert str(tmp_path) not in str(finding)
