"""Values read below /proc and /sys on made-up machines: bare metal, virtual, containers of both kinds, and empty."""

from pathlib import Path

import pytest

from bench.system import linux
from bench.system.linux import Activity, Host
from tests.bench.system.machines import CPU, WELL, plant


def test_an_empty_folder_is_a_machine_that_tells_nothing(tmp_path: Path) -> None:
    """Without /proc and /sys every value is None or empty, without an error."""
    bare = Host(tmp_path)
    assert (None, "", "", {}, ()) == tuple(vars(linux.processor(bare)).values())
    assert {None} == {vars(linux.frequency(bare, 0))[name] for name in ("driver", "governor", "boost", "current")}
    assert (None, None, None) == (linux.siblings(bare, 0), linux.virtual_machine(bare), linux.container(bare))
    assert (None, None) == (linux.huge_pages(bare), linux.pressure(bare, "cpu"))
    assert linux.limits(bare).there is False
    assert (0, 0.0, {}, None) == (
        (now := Activity.now(bare)).cores,
        now.busy,
        now.processes,
        now.throttled,
    )


def test_the_first_processor_speaks_for_all(tmp_path: Path) -> None:
    """Model, signature, caches and wide instructions come from the first entry; Arm's has other names."""
    found = linux.processor(plant(tmp_path, WELL))
    assert ("Maker Fast 3", "Maker-6-7-1", {"L1d": 32768}) == (found.model, found.signature, found.caches)
    assert found.instructions == ("avx2", "fma")
    arm = "CPU implementer : 0x41\nCPU part : 0xd40\nCPU variant : 0x1\nCPU revision : 1\nFeatures : asimd sve\n"
    found = linux.processor(plant(tmp_path, {"proc/cpuinfo": arm}))
    assert (None, "0x41-0xd40-0x1-1", ("asimd", "sve")) == (found.model, found.signature, found.instructions)


@pytest.mark.parametrize(("text", "expected"), [("0", [0]), ("0-2,8", [0, 1, 2, 8]), ("1,5", [1, 5]), ("", [])])
def test_lists_of_cores_are_read(text: str, expected: list[int]) -> None:
    """Spans and single numbers, as the kernel writes them."""
    assert expected == linux.numbers(text)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({f"{CPU}/cpufreq/boost": "1"}, True),
        ({f"{CPU}/cpufreq/boost": "0"}, False),
        ({f"{CPU}/intel_pstate/no_turbo": "1", f"{CPU}/cpufreq/boost": "1"}, False),
        ({f"{CPU}/intel_pstate/no_turbo": "0"}, True),
        ({}, None),
    ],
)
def test_boost_is_known_by_either_of_two_files(tmp_path: Path, files: dict[str, str], expected: bool | None) -> None:
    """Intel's file says when it is off, the others' when it is on."""
    assert expected is linux.frequency(plant(tmp_path, files), 0).boost


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, None),
        ({"proc/version": "Linux 5.15 microsoft-standard-WSL2"}, "WSL"),
        ({"proc/cpuinfo": "flags : fpu hypervisor"}, "of unknown kind"),
        (
            {
                "proc/cpuinfo": "flags : hypervisor",
                "sys/class/dmi/id/sys_vendor": "QEMU",
                "sys/class/dmi/id/product_name": "Standard PC",
            },
            "QEMU Standard PC",
        ),
        ({"sys/hypervisor/type": "xen"}, "xen"),
        ({"sys/class/dmi/id/product_name": "KVM Virtual Machine"}, "KVM Virtual Machine"),
        ({"sys/class/dmi/id/sys_vendor": "Amazon EC2", "sys/class/dmi/id/product_name": "m7.metal"}, None),
    ],
)
def test_a_virtual_machine_gives_itself_away(tmp_path: Path, files: dict[str, str], expected: str | None) -> None:
    """By the processor's flag, the hypervisor's folder or the product's name; a cloud's bare machine is none."""
    assert expected == linux.virtual_machine(plant(tmp_path, files))


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, None),
        ({".dockerenv": ""}, "docker"),
        ({"run/.containerenv": ""}, "podman"),
        ({"run/systemd/container": "lxc"}, "lxc"),
        ({"proc/1/cgroup": "0::/kubepods/besteffort/pod1"}, "kubepods"),
        ({"proc/1/cgroup": "0::/init.scope"}, None),
    ],
)
def test_a_container_gives_itself_away(tmp_path: Path, files: dict[str, str], expected: str | None) -> None:
    """By the files that its makers leave, or by the control group of the first process."""
    assert expected == linux.container(plant(tmp_path, files))


def test_limits_of_the_second_kind_are_the_tightest_of_all_groups_around(tmp_path: Path) -> None:
    """An inner group may have no limit while an outer one has: the tightest counts."""
    files = {
        "proc/self/cgroup": "0::/outer/inner",
        "sys/fs/cgroup/outer/inner/cpu.max": "max 100000",
        "sys/fs/cgroup/outer/cpu.max": "150000 100000",
        "sys/fs/cgroup/outer/inner/memory.max": "max",
        "sys/fs/cgroup/outer/memory.max": "1073741824",
        "sys/fs/cgroup/outer/memory.current": "3145728",
        "sys/fs/cgroup/outer/memory.stat": "anon 1048576\ninactive_file 2097152\n",  # files that can be had back at once
        "sys/fs/cgroup/outer/inner/cpu.stat": "usage_usec 5\nnr_periods 9\nnr_throttled 3\n",
        "sys/fs/cgroup/outer/inner/cpuset.cpus.effective": "0-1",
    }
    found = linux.limits(plant(tmp_path, files))
    assert (1.5, "0-1", 2**30, 2**20, 3) == (
        found.cores,
        found.cpuset,
        found.memory,
        found.memory_used,
        found.stopped,
    )


def test_limits_of_the_first_kind_are_read_where_a_container_sees_them(tmp_path: Path) -> None:
    """The path may begin outside the container: then the controller's own folder counts. A huge number is no limit."""
    files = {
        "proc/self/cgroup": "5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n3:cpuset:/docker/abc",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "50000",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
        "sys/fs/cgroup/cpu,cpuacct/cpu.stat": "nr_periods 2\nnr_throttled 1\nthrottled_time 7",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
        "sys/fs/cgroup/cpuset/cpuset.cpus": "0",
    }
    found = linux.limits(plant(tmp_path, files))
    assert (True, 0.5, "0", None, 1) == (found.there, found.cores, found.cpuset, found.memory, found.stopped)
    unlimited = plant(tmp_path, {"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1"})
    assert linux.limits(unlimited).cores is None


def test_boot_parameters_are_told_by_an_allow_list(tmp_path: Path) -> None:
    """Parameters that affect speed are kept; a disk's name or a password is not."""
    assert {"mitigations": "auto", "isolcpus": "1"} == linux.boot_parameters(plant(tmp_path, WELL))


def test_what_happened_in_between_is_the_difference_of_two_moments(tmp_path: Path) -> None:
    """Ticks of work and steal, pages swapped, heat; a process's name may hold spaces and brackets."""
    line = "77 (odd) name) S 1 77 77 0 -1 0 0 0 0 0 {} {} 0 0 20 0 1 0 5"
    files = {
        "proc/stat": "cpu 10 1 2 500 9 3 4 200 0 0\ncpu0 1 2 3\ncpu1 1 2 3\n",
        "proc/77/stat": line.format(30, 20),
        "proc/vmstat": "pswpin 3\npswpout 4\n",
        f"{CPU}/cpu0/thermal_throttle/core_throttle_count": "2",
        f"{CPU}/cpu1/thermal_throttle/core_throttle_count": "5",
    }
    now = Activity.now(plant(tmp_path, files))
    ticks = linux.TICKS
    assert (2, 20 / ticks, 200 / ticks, 7, 7) == (now.cores, now.busy, now.stolen, now.swapped, now.throttled)
    assert now.processes == {77: ("odd) name", 50 / ticks)}
