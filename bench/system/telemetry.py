"""Reads clocks, power and energy of a device before and after each block, from the main process.

A GPU is read by NVML, a processor by the energy counters of its package (RAPL), where they may be read. A counter that
moves every s seconds gives the energy of a block of b seconds within a share s/b, and what it counts late belongs to the
arm before. So only blocks that are much longer than s have an energy of their own, such as profiling makes (`spent`).
Counters of GPUs move every 10 to 100 ms, and their power is an average over up to a second (Yang et al., Part-time
Power Measurements, arXiv 2312.02741).
"""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Protocol

from bench import clock
from bench.results.profile import Energy
from bench.results.record import Telemetry
from bench.system import nvml
from bench.system.linux import Host

IDLE_SECONDS, LOOK_SECONDS = 1.0, 0.005  # how long idle power is measured, and the pause between two looks
COARSEST = 0.5  # uncertain share of a block's energy above which it is not reported
STEPS, SHORTEST, LONGEST = 20, 1.0, 2.0  # moves of the counter to wait for, and limits in seconds
LEAD_SECONDS = 0.3  # work before the first reading, so that what is counted late is of the same arm


@dataclass(frozen=True)
class Reading:
    """The counters of a device at one moment; None for what it does not report.

    at       seconds on the clock that times everything
    joules   a running total with an arbitrary zero, which starts again at `wrap` where that is known
    reasons  the bits of what limited the clocks
    """

    at: float
    joules: float | None = None
    wrap: float | None = None
    watts: float | None = None
    megahertz: float | None = None
    celsius: float | None = None
    reasons: int = 0


class Meter(Protocol):
    """A device whose counters can be read."""

    @property
    def device(self) -> str:
        """The name of the device."""

    def read(self) -> Reading:
        """The counters now."""


@dataclass(frozen=True)
class GpuMeter:
    """A GPU, by NVML."""

    gpu: nvml.Gpu

    @property
    def device(self) -> str:
        """The GPU's name."""
        return self.gpu.name

    def read(self) -> Reading:
        """The counters now, the energy first."""
        joules = self.gpu.scaled("GetTotalEnergyConsumption", 1e-3)
        return Reading(
            at=clock.now(),
            joules=joules,
            watts=self.gpu.scaled("GetPowerUsage", 1e-3),
            megahertz=self.gpu.clock("GetClockInfo", "SM"),
            celsius=self.gpu.celsius(),
            reasons=self.gpu.reasons() or 0,
        )


@dataclass(frozen=True)
class PackageMeter:
    """The energy of processor packages, by RAPL: of everything on them, the main process included.

    zones  folders below /sys/class/powercap
    wrap   joules after which their counters start again
    """

    host: Host
    zones: tuple[str, ...]
    wrap: float

    @property
    def device(self) -> str:
        """The packages' names."""
        return ", ".join(self.host.text(f"{zone}/name") or zone for zone in self.zones)

    def read(self) -> Reading:
        """The counters now, added up."""
        counters = [self.host.number(f"{zone}/energy_uj") for zone in self.zones]
        known = [counter * 1e-6 for counter in counters if counter is not None]
        joules = sum(known) if len(known) == len(counters) else None
        return Reading(at=clock.now(), joules=joules, wrap=self.wrap)


@contextmanager
def opened(device: str, *, host: Host | None = None, library: Any = None) -> Iterator[Meter | None]:
    """A meter of a device, "cuda" or "cpu", open meanwhile; None where there are no counters to read.

    library  stands in for pynvml in tests
    """
    if device != "cuda":
        yield _package_meter(host or Host())
        return
    with ExitStack() as stack:
        try:
            gpu = nvml.raced(stack.enter_context(nvml.opened(library)))
        except nvml.Absent:
            gpu = None
        yield GpuMeter(gpu) if gpu else None


def _package_meter(host: Host) -> PackageMeter | None:
    """The meter of the packages; None where only administrators may read the counters, as on most systems since 2020."""
    zones = [
        zone
        for zone in host.matching("sys/class/powercap/intel-rapl:*")
        if (host.text(f"{zone}/name") or "").startswith("package") and host.number(f"{zone}/energy_uj") is not None
    ]
    wraps = [host.number(f"{zone}/max_energy_range_uj") for zone in zones]
    if not zones or wraps[0] is None or len(set(wraps)) > 1:
        return None
    return PackageMeter(host, tuple(zones), wraps[0] * 1e-6)


def joules_between(before: Reading, after: Reading) -> float | None:
    """The energy between two readings, also when the counter started again in between; None when not reported."""
    if before.joules is None or after.joules is None:
        return None
    spent = after.joules - before.joules
    if spent < 0:
        return spent % before.wrap if before.wrap else None
    return spent


@dataclass(frozen=True)
class Idle:
    """Power of a device at rest, and seconds between moves of its energy counter; None where not known."""

    watts: float | None
    step_seconds: float | None


def idle(meter: Meter, seconds: float = IDLE_SECONDS) -> Idle:
    """Measures a device at rest for so many seconds.

    Taken from the first move of the energy counter to the last, so that its step size does not matter. Where there is no
    such counter, or it moves less than twice, the reported power is used.
    """
    readings = [meter.read()]
    while readings[-1].at - readings[0].at < seconds:
        clock.pause(LOOK_SECONDS)
        readings.append(meter.read())
    moves = [later for earlier, later in itertools.pairwise(readings) if later.joules != earlier.joules]
    watts = [reading.watts for reading in readings if reading.watts is not None]
    if len(moves) < 2:
        return Idle(fmean(watts) if watts else None, None)
    spent = [joules_between(earlier, later) for earlier, later in itertools.pairwise(moves)]
    span = moves[-1].at - moves[0].at
    known = [joules for joules in spent if joules is not None]
    return Idle(sum(known) / span if len(known) == len(spent) else None, span / len(spent))


@dataclass(frozen=True)
class Gauge:
    """A meter of a device, with its readings at rest."""

    meter: Meter
    resting: Idle

    def beside(self, blocks: Sequence[tuple[Reading, Reading]]) -> Telemetry:
        """The telemetry of a record: from the readings right before and right after each block."""
        return beside(self.meter.device, blocks, self.resting)


@contextmanager
def gauges(devices: Iterable[str]) -> Iterator[dict[str, Gauge]]:
    """A gauge for each of the devices that has counters, open meanwhile; each is first measured at rest."""
    with ExitStack() as stack:
        meters = {device: stack.enter_context(opened(device)) for device in dict.fromkeys(devices)}
        yield {device: Gauge(meter, idle(meter)) for device, meter in meters.items() if meter}


def beside(device: str, blocks: Sequence[tuple[Reading, Reading]], resting: Idle) -> Telemetry:
    """The telemetry of a record: from the readings right before and right after each block."""
    after = [last for _, last in blocks]
    # a device that has just stopped may already report "idle", which limits nothing
    held = Counter(word for last in after for word in nvml.spoken(last.reasons & ~nvml.IDLE))
    return Telemetry(
        device=device,
        seconds=tuple(last.at - first.at for first, last in blocks),
        joules=tuple(joules_between(first, last) for first, last in blocks),
        watts=tuple(reading.watts for reading in after),
        megahertz=tuple(reading.megahertz for reading in after),
        celsius=tuple(reading.celsius for reading in after),
        held=dict(sorted(held.items())),
        idle_watts=resting.watts,
        step_seconds=resting.step_seconds,
    )


def energy(telemetry: Telemetry, updates: int) -> Energy | None:
    """The energy of an update above idle; None without a counter, and where it moves too rarely for such short blocks.

    For E joules in t seconds over all blocks and idle power P it is E - P t, divided by the updates. Each reading may be
    late by one step s of the counter, so E is known within s E / t. That does not average out: what is counted late is
    always the work of the arm before.

    updates  between the two readings of a block, warm-up included
    """
    spent = [joules_of_block for joules_of_block in telemetry.joules if joules_of_block is not None]
    if (
        not spent
        or len(spent) < len(telemetry.seconds)
        or telemetry.idle_watts is None
        or telemetry.step_seconds is None
    ):
        return None
    seconds, joules, made = sum(telemetry.seconds), sum(spent), updates * len(spent)
    share = telemetry.step_seconds * len(spent) / seconds
    if share > COARSEST:
        return None
    return Energy(
        device=telemetry.device,
        joules=(joules - telemetry.idle_watts * seconds) / made,
        resolution=share * joules / made,
        seconds=seconds,
        idle_watts=telemetry.idle_watts,
    )


def spent(gauge: Gauge, work: Callable[[float], int]) -> Energy | None:
    """The energy of an update, measured over 1 to 2 s of work; None where it cannot be known.

    work  makes updates for so many seconds and returns how many
    """
    step = gauge.resting.step_seconds
    if step is None:
        return None
    work(LEAD_SECONDS)
    before = gauge.meter.read()
    updates = work(min(LONGEST, max(SHORTEST, STEPS * step)))
    return energy(gauge.beside([(before, gauge.meter.read())]), updates)
