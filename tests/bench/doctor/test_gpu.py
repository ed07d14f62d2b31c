"""The checks of GPUs, by a scripted NVML."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.doctor import gpu
from bench.results.finding import Finding
from bench.system import nvml
from bench.system.linux import Host
from tests.bench.system.machines import GPU, FakeNvml, Memory, Process, Rates, plant


def by_topic(library: FakeNvml, host: Host | None = None) -> dict[str, Finding]:
    """The findings of the GPUs, by topic."""
    return {each.topic: each for each in gpu.gpus(host or Host(Path("/nowhere")), library)}


def test_without_a_driver_there_is_one_finding_with_the_reason() -> None:
    """The GPU is unknown, with NVML's message as the reason; NVML is shut down."""
    library = FakeNvml(absent="Driver Not Loaded")
    (finding,) = by_topic(library).values()
    assert ("unknown", "no NVIDIA driver: Driver Not Loaded") == (finding.grade, finding.seen)
    assert library.open == 0


def test_a_gpu_on_which_all_is_well_is_fine() -> None:
    """Name, clocks, power, heat, other users and modes; NVML is shut down afterwards."""
    library = FakeNvml()
    told = by_topic(library)
    assert {"fine"} == {each.grade for each in told.values()}
    assert told["gpu 0"].seen == "Maker G100, 80.0 GiB, driver 600.1"
    assert told["gpu 0 clocks"].seen == "cores 1000 of 1980 MHz, memory 1000 of 1980 MHz at rest"
    assert told["gpu 0 throttling"].seen == "idle"
    assert told["gpu 0 power"].seen == "70 W now; limit 700 W"
    assert library.open == 0


def test_a_gpu_that_answers_nothing_is_unknown_and_no_error() -> None:
    """In some containers and on some slices NVML refuses each question."""
    unknown: dict[str, Any] = dict.fromkeys(GPU)
    refused: dict[str, Any] = {name: FakeNvml.NVMLError("Not Supported") for name in GPU}
    for told in (by_topic(FakeNvml(**unknown)), by_topic(FakeNvml(**refused))):
        known = {topic for topic, each in told.items() if each.grade != "unknown"}
        assert known == {"gpu 0", "gpu 0 modes"}
        assert told["gpu 0 modes"].seen.startswith("MIG the driver does not say")


@pytest.mark.parametrize(
    ("bits", "grade", "words"),
    [
        (0, "fine", "nothing holds its clocks down"),
        (1, "fine", "idle"),
        (4, "caution", "software power cap"),
        (32 | 4, "bad", "software power cap, software thermal slowdown"),
        (64, "bad", "hardware thermal slowdown"),
        (1 << 40, "fine", f"reason {1 << 40}"),
    ],
)
def test_what_holds_the_clocks_down_is_told_in_words(bits: int, grade: str, words: str) -> None:
    """Heat is bad, a power cap a caution, idling fine; an unknown bit is shown as its number."""
    finding = by_topic(FakeNvml(GetCurrentClocksEventReasons=bits))["gpu 0 throttling"]
    assert (grade, words) == (finding.grade, finding.seen)


def test_older_drivers_are_asked_by_the_older_names() -> None:
    """The reasons and the temperature were renamed."""
    library = FakeNvml(
        GetCurrentClocksEventReasons=None,
        GetCurrentClocksThrottleReasons=64,
        GetTemperatureV=FakeNvml.NVMLError("Function Not Found"),
        GetTemperature=88,
    )
    told = by_topic(library)
    assert ("bad", "caution") == (told["gpu 0 throttling"].grade, told["gpu 0 temperature"].grade)


@pytest.mark.parametrize(
    ("changed", "topic", "grade", "command"),
    [
        ({"GetEnforcedPowerLimit": 300_000}, "gpu 0 power", "caution", "sudo nvidia-smi -i 0 -pl 700"),
        ({"GetTemperatureV": 76}, "gpu 0 temperature", "caution", "nvidia-smi -i 0 -q -d TEMPERATURE"),
        ({"GetTemperatureV": 91}, "gpu 0 temperature", "bad", "nvidia-smi -i 0 -q -d TEMPERATURE"),
        ({"GetPersistenceMode": 0}, "gpu 0 persistence", "caution", "sudo nvidia-smi -i 0 -pm 1"),
        ({"GetMigMode": [1, 1]}, "gpu 0 modes", "caution", "nvidia-smi mig -lgi"),
    ],
)
def test_what_is_not_as_it_should_be_names_its_command(
    changed: Mapping[str, Any], topic: str, grade: str, command: str
) -> None:
    """A lowered power limit, heat, a driver that is not kept loaded and a slice of a GPU are cautions."""
    finding = by_topic(FakeNvml(**changed))[topic]
    assert (grade, command) == (finding.grade, finding.command)


def test_processes_of_others_are_told_by_name(tmp_path: Path) -> None:
    """Processes are named without command lines; an invisible one is "hidden". A busy GPU is bad."""
    host = plant(tmp_path, {"proc/41/comm": "trainer", "proc/41/cmdline": "trainer --key=hunter2"})
    library = FakeNvml(GetComputeRunningProcesses=[Process(41), Process(42)])
    finding = by_topic(library, host)["gpu 0 sharing"]
    assert finding.seen.startswith("2 other processes (one that is hidden, trainer)")
    assert ("caution", False) == (finding.grade, "hunter2" in str(finding))

    class Busy(Rates):
        gpu = 60

    assert "bad" == by_topic(FakeNvml(GetUtilizationRates=Busy), host)["gpu 0 sharing"].grade


def test_memory_that_somebody_unseen_holds_is_a_caution() -> None:
    """Under WSL the list of processes may be empty while 16 GiB are in use."""

    class Held(Memory):
        used = 16 * 2**30

    finding = by_topic(FakeNvml(GetMemoryInfo=Held))["gpu 0 sharing"]
    assert ("caution", True) == (finding.grade, "16.0 GiB of its memory in use" in finding.seen)


@pytest.mark.parametrize(
    ("visible", "index"),
    [({}, 0), ({"CUDA_VISIBLE_DEVICES": "1,0"}, 1), ({"CUDA_VISIBLE_DEVICES": "GPU-12"}, 0)],
)
def test_the_raced_gpu_is_the_first_that_cuda_sees(visible: dict[str, str], index: int) -> None:
    """By number, by the begin of its UUID, or the first of all."""
    with nvml.opened(FakeNvml(count=2)) as gpus:
        gpu = nvml.raced(gpus, visible)
        assert gpu is not None
        assert gpu.index == index


@pytest.mark.parametrize("visible", ["", "-1", "7", "GPU-none", "MIG-1"])
def test_a_gpu_that_cuda_does_not_see_is_not_raced(visible: str) -> None:
    """A GPU that is hidden or absent is not measured."""
    with nvml.opened(FakeNvml(count=2)) as gpus:
        assert nvml.raced(gpus, {"CUDA_VISIBLE_DEVICES": visible}) is None
