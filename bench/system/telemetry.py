"""Clocks, power and energy beside blocks, by the device's own counters. Read by the conductor, never by a worker.

A GPU is read by NVML, a processor by the energy counters of its package (RAPL) where they may be read; where there is
neither, there is no meter and nothing is read. A counter that moves every s seconds knows the energy of a block of b
seconds within s/b of its power, and what it counts late is the work of the arm before: so only blocks that are much
longer have an energy of their own, such as profiling makes (`spent`), and `Energy` says how well it is known. Counters of
GPUs move every 10 to 100 ms, and their power is an average over up to a second (Yang et al., Part-time Power
Measurements, arXiv 2312.02741).
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
COARSEST = 0.5  # share of a block's energy that may be unknown before it is not told at all
STEPS, SHORTEST, LONGEST = 20, 1.0, 2.0  # moves of the counter that are waited for, within so many seconds
LEAD_SECONDS = 0.3  # what is counted late is then of the same arm


@dataclass(frozen=True)
class Reading:
    """What the counters of a device say at one moment; None for what they do not.

    at       seconds on the clock that times everything
    joules   a running total with an arbitrary zero; it begins again at `wrap`, where that is known
    reasons  the bits of what held the clocks down
    """

    at: float
    joules: float | None = None
    wrap: float | None = None
    watts: float | None = None
    megahertz: float | None = None
    celsius: float | None = None
    reasons: int = 0


class Meter(Protocol):
    """What can be read beside a block."""

    @property
    def device(self) -> str:
        """What is measured, in words."""

    def read(self) -> Reading:
        """The counters now."""


@dataclass(frozen=True)
class GpuMeter:
    """A GPU by NVML: five questions a reading."""

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
    """The energy of processor packages by RAPL: everything on them, the conductor's share included.

    zones  folders below /sys/class/powercap, whose counters begin again after equally many joules
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
        found = [self.host.number(f"{zone}/energy_uj") for zone in self.zones]
        known = [each * 1e-6 for each in found if each is not None]
        joules = sum(known) if len(known) == len(found) else None
        return Reading(at=clock.now(), joules=joules, wrap=self.wrap)


@contextmanager
def opened(device: str, *, host: Host | None = None, library: Any = None) -> Iterator[Meter | None]:
    """A meter for the arms on a device, "cuda" or "cpu", while it is used; None where there are no counters to read.

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
    """Since 2020 most systems let only administrators read these counters: that is no error, there is just no meter."""
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
    """The energy between two readings, also when the counter began again in between; None when it was not told."""
    if before.joules is None or after.joules is None:
        return None
    spent = after.joules - before.joules
    if spent < 0:
        return spent % before.wrap if before.wrap else None
    return spent


@dataclass(frozen=True)
class Idle:
    """What a device draws while nothing runs, and how often its energy counter moves; None where that is not told."""

    watts: float | None
    step_seconds: float | None


def idle(meter: Meter, seconds: float = IDLE_SECONDS) -> Idle:
    """Watches a device that has nothing to do for so many seconds.

    From the first move of the energy counter to the last, so that its steps do not count; where there is no energy
    counter, or it moves but once, by the power that the device tells.
    """
    readings = [meter.read()]
    while readings[-1].at - readings[0].at < seconds:
        clock.pause(LOOK_SECONDS)
        readings.append(meter.read())
    moves = [later for earlier, later in itertools.pairwise(readings) if later.joules != earlier.joules]
    told = [each.watts for each in readings if each.watts is not None]
    if len(moves) < 2:
        return Idle(fmean(told) if told else None, None)
    spent = [joules_between(earlier, later) for earlier, later in itertools.pairwise(moves)]
    span = moves[-1].at - moves[0].at
    known = [each for each in spent if each is not None]
    return Idle(sum(known) / span if len(known) == len(spent) else None, span / len(spent))


@dataclass(frozen=True)
class Gauge:
    """A meter, and what its device does while nothing runs: what is read beside the blocks of all arms on it."""

    meter: Meter
    resting: Idle

    def beside(self, blocks: Sequence[tuple[Reading, Reading]]) -> Telemetry:
        """The readings right before and right after each block, as one record keeps them."""
        return beside(self.meter.device, blocks, self.resting)


@contextmanager
def gauges(devices: Iterable[str]) -> Iterator[dict[str, Gauge]]:
    """A gauge for each of the devices that has counters, while they are used; each is first watched at rest."""
    with ExitStack() as stack:
        meters = {device: stack.enter_context(opened(device)) for device in dict.fromkeys(devices)}
        yield {device: Gauge(meter, idle(meter)) for device, meter in meters.items() if meter}


def beside(device: str, blocks: Sequence[tuple[Reading, Reading]], resting: Idle) -> Telemetry:
    """The readings right before and right after each block, as one record keeps them."""
    after = [last for _, last in blocks]
    # a device that has just stopped may already be called idle: that holds nothing down
    held = Counter(word for last in after for word in nvml.spoken(last.reasons & ~nvml.IDLE))
    return Telemetry(
        device=device,
        seconds=tuple(last.at - first.at for first, last in blocks),
        joules=tuple(joules_between(first, last) for first, last in blocks),
        watts=tuple(each.watts for each in after),
        megahertz=tuple(each.megahertz for each in after),
        celsius=tuple(each.celsius for each in after),
        held=dict(sorted(held.items())),
        idle_watts=resting.watts,
        step_seconds=resting.step_seconds,
    )


def energy(found: Telemetry, updates: int) -> Energy | None:
    """The energy of an update; None without a counter, and where it moves too rarely for blocks so short.

    Over all blocks E joules in t seconds, idle power P: (E - P t) an update. Each end of a block is told up to one step s
    late, so its energy is known within s E / t; that does not average out, for what is late is always the arm before.

    updates  made between the two readings of a block, settling ones included
    """
    spent = [each for each in found.joules if each is not None]
    if not spent or len(spent) < len(found.seconds) or found.idle_watts is None or found.step_seconds is None:
        return None
    seconds, joules, made = sum(found.seconds), sum(spent), updates * len(spent)
    share = found.step_seconds * len(spent) / seconds
    if share > COARSEST:
        return None
    return Energy(
        device=found.device,
        joules=(joules - found.idle_watts * seconds) / made,
        resolution=share * joules / made,
        seconds=seconds,
        idle_watts=found.idle_watts,
    )


def spent(gauge: Gauge, work: Callable[[float], int]) -> Energy | None:
    """The energy of an update of work that goes on for long enough to be counted: 1 to 2 s, and a lead before it.

    work  makes updates for so many seconds and returns how many; None comes back where `energy` has none to tell
    """
    step = gauge.resting.step_seconds
    if step is None:
        return None
    work(LEAD_SECONDS)
    before = gauge.meter.read()
    updates = work(min(LONGEST, max(SHORTEST, STEPS * step)))
    return energy(gauge.beside([(before, gauge.meter.read())]), updates)
