"""Readings beside blocks, from scripted counters: wraps, missing values, idle power, resolution."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench import clock
from bench.messages.commands import BlockTimed
from bench.results.record import Telemetry
from bench.runner.arm_run import ArmRun
from bench.runner.block import Block
from bench.system import telemetry
from bench.system.linux import Host
from bench.system.telemetry import Gauge, Idle, Reading
from tests.bench.system.machines import GPU, FakeNvml, plant
from tests.reports.records import arm

RAPL = "sys/class/powercap/intel-rapl:0"
PACKAGE = {f"{RAPL}/name": "package-0", f"{RAPL}/energy_uj": "1000000", f"{RAPL}/max_energy_range_uj": "262143000000"}


class Scripted:
    """A device that draws so many watts, whose energy counter moves every `step` seconds; its own clock is the clock."""

    def __init__(self, watts: float, step: float, monkeypatch: pytest.MonkeyPatch, *, counts: bool = True) -> None:
        self.device, self._watts, self._step, self._counts = "scripted", watts, step, counts
        self.time = 0.0
        monkeypatch.setattr(clock, "now", lambda: self.time)
        monkeypatch.setattr(clock, "pause", self.pause)

    def pause(self, seconds: float) -> None:
        """Time passes."""
        self.time += seconds

    def read(self) -> Reading:
        """The counters, as of their last step."""
        steps = int(self.time / self._step + 1e-9)
        return Reading(
            at=self.time, joules=steps * self._step * self._watts if self._counts else None, watts=self._watts
        )


def blocks(seconds: float, joules: float, count: int) -> list[tuple[Reading, Reading]]:
    """Blocks one after the other that took so long and spent so much."""
    ends = [Reading(at=number * seconds, joules=number * joules, watts=300.0) for number in range(count + 1)]
    return list(itertools.pairwise(ends))


def test_a_cpu_without_counters_has_no_meter(tmp_path: Path) -> None:
    """Without counters nothing is opened and nothing is read."""
    with telemetry.opened("cpu", host=Host(tmp_path)) as meter:
        assert meter is None


def test_a_machine_without_a_driver_has_no_meter_for_cuda() -> None:
    """Without a GPU there is no meter; that is no error."""
    with telemetry.opened("cuda", library=FakeNvml(absent="Driver Not Loaded")) as meter:
        assert meter is None


def test_a_gpu_is_read_in_few_questions_and_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reading asks NVML five questions, the energy first; afterwards the driver is closed."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    library = FakeNvml()
    with telemetry.opened("cuda", library=library) as meter:
        assert meter is not None
        library.asked.clear()
        found = meter.read()
        assert (5, "GetTotalEnergyConsumption") == (len(library.asked), library.asked[0])
        assert (5000.0, 70.0, 1000.0, 35.0, 1) == (
            found.joules,
            found.watts,
            found.megahertz,
            found.celsius,
            found.reasons,
        )
        assert meter.device == "Maker G100"
    assert library.open == 0


def test_a_gpu_that_answers_nothing_gives_empty_readings() -> None:
    """What a slice of a GPU or an old one does not report is None."""
    refused: dict[str, Any] = {name: FakeNvml.NVMLError("Not Supported") for name in GPU}
    with telemetry.opened("cuda", library=FakeNvml(**refused)) as meter:
        assert meter is not None
        found = meter.read()
    assert (None, None, None, None, 0) == (found.joules, found.watts, found.megahertz, found.celsius, found.reasons)


def test_the_driver_is_let_go_when_a_race_fails() -> None:
    """NVML is shut down whatever happens while the meter is open."""
    library = FakeNvml()
    with pytest.raises(RuntimeError), telemetry.opened("cuda", library=library):
        raise RuntimeError
    assert library.open == 0


def test_packages_are_read_together_and_what_lies_within_them_is_not(tmp_path: Path) -> None:
    """Two packages add up; the cores and the memory inside one are counted in it already."""
    other = RAPL.replace(":0", ":1")
    files = {path.replace(RAPL, other): text.replace("package-0", "package-1") for path, text in PACKAGE.items()}
    inside = {
        f"{RAPL}:0/name": "core",
        f"{RAPL}:0/energy_uj": "7000000",
        f"{RAPL}:0/max_energy_range_uj": "262143000000",
    }
    with telemetry.opened("cpu", host=plant(tmp_path, PACKAGE | files | inside)) as meter:
        assert meter is not None
        assert "package-0, package-1" == meter.device
        assert (2.0, 262143.0) == (meter.read().joules, meter.read().wrap)


@pytest.mark.parametrize(
    "changed",
    [
        {f"{RAPL}/energy_uj": ""},
        {f"{RAPL}/name": "psys"},
        {f"{RAPL}/max_energy_range_uj": "?"},
    ],
)
def test_packages_that_may_not_be_read_have_no_meter(tmp_path: Path, changed: dict[str, str]) -> None:
    """Most systems let only administrators read them: the file is there and gives nothing."""
    with telemetry.opened("cpu", host=plant(tmp_path, PACKAGE | changed)) as meter:
        assert meter is None


def test_a_counter_that_began_again_is_understood() -> None:
    """The counter's wrap is added; without a known wrap a total that fell gives no energy."""
    before, after = Reading(at=0, joules=99.0, wrap=100.0), Reading(at=1, joules=2.0, wrap=100.0)
    assert 3.0 == telemetry.joules_between(before, after)
    assert telemetry.joules_between(Reading(at=0, joules=99.0), Reading(at=1, joules=2.0)) is None
    assert telemetry.joules_between(Reading(at=0), Reading(at=1, joules=2.0)) is None


@pytest.mark.parametrize("step", [0.001, 0.02, 0.1, 0.17])
def test_idle_power_is_right_whatever_the_counters_step(monkeypatch: pytest.MonkeyPatch, step: float) -> None:
    """Counted from its first move to its last, a second suffices: 70 W within 3 %, and its step is known."""
    device = Scripted(70.0, step, monkeypatch)
    found = telemetry.idle(device)
    assert found.watts == pytest.approx(70.0, rel=0.03)
    assert found.step_seconds == pytest.approx(max(step, telemetry.LOOK_SECONDS), rel=0.05)
    assert device.time == pytest.approx(1.0, abs=0.01)


def test_without_an_energy_counter_idle_power_is_what_the_device_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """So it is where the counter moves less than twice in that second; then its step is not known."""
    assert Idle(70.0, None) == telemetry.idle(Scripted(70.0, 0.02, monkeypatch, counts=False))
    assert Idle(70.0, None) == telemetry.idle(Scripted(70.0, 0.9, monkeypatch))


def test_a_record_has_a_value_a_block() -> None:
    """Seconds and joules between its readings, the rest right after it; what held the clocks down, in how many blocks."""
    pairs = [
        (
            Reading(at=0.0, joules=10.0),
            Reading(at=0.5, joules=70.0, watts=200.0, megahertz=1900.0, celsius=50.0, reasons=5),
        ),
        (Reading(at=1.0, joules=80.0), Reading(at=1.5, joules=None, watts=210.0, megahertz=1800.0, reasons=4 | 64)),
    ]
    found = telemetry.beside("G100", pairs, Idle(70.0, 0.1))
    assert ((0.5, 0.5), (60.0, None), (200.0, 210.0)) == (found.seconds, found.joules, found.watts)
    assert ((1900.0, 1800.0), (50.0, None)) == (found.megahertz, found.celsius)
    assert {"hardware thermal slowdown": 1, "software power cap": 2} == found.held
    assert (70.0, 0.1) == (found.idle_watts, found.step_seconds)


def test_the_energy_of_an_update_is_what_the_idle_device_would_not_have_spent() -> None:
    """Four blocks of 2 s at 300 W, 70 of them idle, 1000 updates each: 0.46 J an update, known within a step's 30 J a block."""
    found = telemetry.energy(telemetry.beside("G100", blocks(2.0, 600.0, 4), Idle(70.0, 0.1)), 1000)
    assert found is not None
    assert found.joules == pytest.approx(0.46)
    assert found.resolution == pytest.approx(0.03)


def test_blocks_too_short_for_the_counter_have_no_energy() -> None:
    """Blocks of 15 ms beside a counter that moves every 20 ms would get the energy of the arms before them."""
    assert telemetry.energy(telemetry.beside("G100", blocks(0.015, 4.5, 200), Idle(70.0, 0.02)), 40) is None
    assert telemetry.energy(telemetry.beside("package-0", blocks(0.015, 0.45, 200), Idle(10.0, 0.001)), 40) is not None


@pytest.mark.parametrize(
    "found",
    [
        Telemetry(device="G100", seconds=()),
        Telemetry(device="G100", seconds=(1.0,), joules=(None,), idle_watts=70.0, step_seconds=0.1),
        Telemetry(device="G100", seconds=(1.0, 1.0), joules=(5.0, None), idle_watts=70.0, step_seconds=0.1),
        Telemetry(device="G100", seconds=(1.0,), joules=(5.0,), idle_watts=None, step_seconds=0.1),
        Telemetry(device="G100", seconds=(1.0,), joules=(5.0,), idle_watts=70.0, step_seconds=None),
    ],
)
def test_without_all_of_its_parts_there_is_no_energy(found: Telemetry) -> None:
    """A counter, idle power and the counter's step are all needed."""
    assert telemetry.energy(found, 100) is None


def test_a_counter_with_steps_tells_neighbours_apart_only_in_long_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two arms in turns, 100 W and 300 W, a counter that moves every 20 ms: in long blocks each is known as well as it says."""

    def turns(seconds: float) -> Iterator[Telemetry]:
        drawn: dict[float, list[tuple[Reading, Reading]]] = {100.0: [], 300.0: []}
        now = total = told = 0.0
        for number in range(200):
            for watts, pairs in drawn.items():
                before = Reading(at=now, joules=told)
                for _ in range(round(seconds / 0.001)):
                    now, total = now + 0.001, total + 0.001 * watts
                    told = total if round(now / 0.001) % 20 == number % 20 else told
                pairs.append((before, Reading(at=now, joules=told)))
        for pairs in drawn.values():
            yield telemetry.beside("scripted", pairs, Idle(0.0, 0.02))

    for found, watts in zip(turns(0.2), (100.0, 300.0), strict=True):
        one = telemetry.energy(found, 1)
        assert one is not None
        assert abs(one.joules - watts * 0.2) <= one.resolution
    assert [None, None] == [telemetry.energy(found, 1) for found in turns(0.01)]


def test_an_arm_run_reads_the_gauge_around_each_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the block is asked for and after it is done, the warm-up lap left out; the record keeps what was read."""
    device = Scripted(300, 1e-3, monkeypatch)
    oracle: Any = None  # nothing is judged here
    arm_run = ArmRun(arm("linear/manual"), oracle, gauge=Gauge(device, Idle(50.0, 1e-3)))

    def ask(_: object) -> BlockTimed:
        device.pause(0.5)
        return BlockTimed(seconds=0.5)

    monkeypatch.setattr(arm_run, "_ask", ask)
    arm_run.start_laps(Block(10, 0.5), every=1)
    for lap in range(4):
        arm_run.sample(lap)
    told = arm_run.record(run="", number=1, started="", caveats=(), round_seconds=1.0, spent={}).telemetry
    assert told is not None
    assert told.seconds == pytest.approx((0.5, 0.5, 0.5))
    assert told.joules == pytest.approx((150, 150, 150))
    assert (told.device, told.idle_watts) == ("scripted", 50.0)
