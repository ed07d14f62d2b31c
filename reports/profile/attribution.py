"""Splits the time of an update into parts that add up to what the race measured.

An arm is profiled in two passes: at full size, and with next to no data ("tiny"). What an update costs in the tiny pass is
overhead, and is split by what the profiler saw there. What full size adds is the cost of the data, and is split by how much
longer each kind of operation took. The cost of the profiler itself is first taken off both:

- An event costs the same wherever it happens: (profiled - seconds) / events of the tiny pass, where it is known best.
- A share CONTAINED of it falls on what contains the event, because PyTorch notes the beginning of an event as late and its
  end as early as it can. Measured on chains of 200 operations that TorchScript calls one after another, whose true cost is
  known: of the 0.19 to 0.29 µs of an event, 5 to 15 % lay inside the operation's own time.
- The number of events that the interpreter contains is known: `entries`. Most of the others are contained by operations of
  their own part.

The profiler disturbs in further ways: memory is laid out differently and caches are colder. So what it saw is used only for
shares; the seconds that are shared out come from the clocks of the two passes, read with nothing attached.

The tiny pass of a step has fewer rows, not none: what the rows cost is taken to grow with their number, and what the tiny
pass has of it is taken off. Where it makes other operations than full size, or there is none, nothing is known of what an
update costs without data: the time is split by the pass of the update only.

The passes were timed at another time than the race. Their times are scaled to what the race measured, as far as the race's
own 95 % interval allows. What remains between the clocks beyond that is "unexplained".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from bench.results.profile import Energy, Machine, ModuleCost, Pass, Profile
from bench.results.record import Arm
from bench.results.statistics import Estimate
from impls.contract.setting import Setting
from reports.profile import modules
from reports.profile.parts import WORK, Part, PartName
from reports.text import numbers

CONTAINED = 0.9  # share of an event's cost that falls on what contains the event
FOREIGN = 0.9  # an arm that spends more of its time than this outside PyTorch's operations is not made of them
SAME_EVENTS = 0.02  # an update with fewer rows makes as many operations, within this share
ORDER = tuple(PartName)

# The parts that an operation's time goes to, by the kind of the operation: in the tiny pass, and what full size adds.
_PARTS_OF_OPERATIONS = {
    "outside": (PartName.INTERPRETER, PartName.INTERPRETER),
    "forward": (PartName.DISPATCH, PartName.FORWARD_KERNELS),
    "allocation": (PartName.DISPATCH, PartName.FORWARD_KERNELS),
    "backward": (PartName.AUTOGRAD, PartName.BACKWARD_KERNELS),
    "optimizer": (PartName.OPTIMIZER, PartName.OPTIMIZER_KERNELS),
    "compiled": (PartName.ENTERING_COMPILED_CODE, PartName.COMPILED_KERNELS),
    "data": (PartName.DATA_PATH, PartName.DATA_PATH),
    "copy": (PartName.COPIES, PartName.COPIES),
    "sync": (PartName.WAITING, PartName.WAITING),
}
# Of a step without a pass with next to no data.
_PARTS_OF_STEPS = {
    "outside": PartName.INTERPRETER,
    "forward": PartName.FORWARD,
    "allocation": PartName.FORWARD,
    "backward": PartName.BACKWARD,
    "optimizer": PartName.OPTIMIZER_STEP,
    "compiled": PartName.COMPILED_CODE,
    "data": PartName.DATA_PATH,
    "copy": PartName.COPIES,
    "sync": PartName.WAITING,
}
_HOW = {
    PartName.FORWARD: "operations of the forward pass, and all that belong to no other part",
    PartName.BACKWARD: "operations of the backward pass, with autograd's own work",
    PartName.OPTIMIZER_STEP: "operations of the optimizer's step",
    PartName.COMPILED_CODE: "guards, calls and kernels of compiled code",
    PartName.INTERPRETER: "time in which the calling thread was in no operation, at full size",
    PartName.CALL: "the clock, with next to no data: interpreter, call, and arithmetic that does not depend on the rows",
    PartName.DISPATCH: "operations of the forward pass, with next to no data",
    PartName.AUTOGRAD: "operations of the backward pass, with next to no data; without autograd's engine between them",
    PartName.OPTIMIZER: "operations of the optimizer, with next to no data",
    PartName.ENTERING_COMPILED_CODE: "guards and the call of compiled code, with next to no data",
    PartName.DATA_PATH: "operations that fetch rows, at full size",
    PartName.COPIES: "operations that copy, at full size",
    PartName.WAITING: "operations that wait for the device, at full size",
    PartName.FORWARD_KERNELS: "what the data add to operations of the forward pass",
    PartName.BACKWARD_KERNELS: "what the data add to operations of the backward pass",
    PartName.OPTIMIZER_KERNELS: "what the data add to operations of the optimizer",
    PartName.COMPILED_KERNELS: "what the data add to the time in compiled code",
    PartName.KERNELS: "the clock: what the data add to an update that PyTorch's profiler cannot look into",
    PartName.DEVICE_WITHOUT_DATA: "the device's own clock: its busy time with next to no data",
    PartName.DEVICE_KERNELS: "the device's own clock: what the data add to its busy time",
    PartName.LAUNCH_GAPS: "time in which the device was not busy: launches, work of the host, and waiting",
}


class Raced(Protocol):
    """What a race measured of an arm, as a row of its table has it."""

    @property
    def arm(self) -> Arm:
        """The arm."""

    @property
    def work(self) -> str:
        """ "faithful", "algorithmic" or "floor"."""

    @property
    def group(self) -> str:
        """The same; "unranked" for an arm that is wrong or has no time."""

    @property
    def reads_data(self) -> bool:
        """Whether it is a floor that only reads the data."""

    @property
    def seconds(self) -> Estimate | None:
        """Of an update; None for an arm without a time."""

    @property
    def job_seconds(self) -> float | None:
        """Of the whole job."""


@dataclass(frozen=True)
class Attribution:
    """Where an arm's update goes. The parts, "unexplained" among them, add up to what was measured.

    measured      seconds an update in the race
    parts         in the order of PartName; only "unexplained", which is always there and the last, can be below 0
    pace          factor by which the times of the passes were scaled to the race's; 1.1: the race met a slower machine
    readings      how often the data could have been read in the time that they cost; None without roofline and floor
    disturbance   how much longer an update took under the profiler than its events explain, as a share; 0.1: 10 %
    without_data  seconds of the tiny pass over those of the full pass; above 1 by noise only
    algorithmic   whether the arm does less work than its updates: 10 000 in one call, of which the profiler sees almost nothing
    energy        of an update, where the device has a counter for it
    modules       of a step: what its modules cost; their seconds add up to what was measured
    """

    arm: Arm
    measured: Estimate
    parts: tuple[Part, ...]
    pace: float = 1.0
    readings: float | None = None
    disturbance: float = 0.0
    without_data: float = 0.0
    algorithmic: bool = False
    energy: Energy | None = None
    modules: tuple[ModuleCost, ...] = ()

    @property
    def unexplained(self) -> float:
        """The share that no part explains: 0.03 for 3 %; below 0 when the parts are more than what was measured."""
        return self.share(PartName.UNEXPLAINED)

    def share(self, *names: PartName) -> float:
        """The share of an update that goes into the parts of these names."""
        return sum(part.seconds for part in self.parts if part.name in names) / self.measured.value


def attributions(
    race_rows: Sequence[Raced], reference: Arm, profiles: Iterable[Profile], machine: Machine | None = None
) -> tuple[Attribution, ...]:
    """The attribution of every arm of a race that has a profile, in the order of the race's rows.

    A watched arm is not profiled itself: it has the attribution of the same arm unwatched, and "watching" as a part more.
    """
    by_key = {_key(profile.arm): profile for profile in profiles}
    floors: dict[str, float] = {}
    for row in race_rows:
        if row.group == "floor" and row.seconds and row.reads_data:
            device = row.arm.setting.device
            floors[device] = min(row.seconds.value, floors.get(device, row.seconds.value))
    rows = {_key(row.arm): row for row in race_rows}
    attributed: list[Attribution | None] = []
    for row in race_rows:
        unwatched = rows.get(_key(row.arm, unwatched=True)) if row.arm.setting.watch != "none" else None
        profiled = unwatched or row
        profile = by_key.get(_key(profiled.arm))
        device = row.arm.setting.device
        # The roofline is that of the reference's device. A GPU's is left out: it would show launches more than reading.
        roofline = machine if device == reference.setting.device == "cpu" else None
        attribution = attribute(profiled, profile, floors.get(device), roofline) if profile else None
        if attribution and unwatched:
            attribution = with_watching(attribution, row, unwatched)
        attributed.append(attribution)
    return tuple(attribution for attribution in attributed if attribution)


def attribute(row: Raced, profile: Profile, floor: float | None, machine: Machine | None = None) -> Attribution | None:
    """Where the update of a row goes. None for a floor, and for an arm not measured or not profiled: at both sizes, or a step.

    floor  seconds an update of the race's arm that only reads the data, on the same device
    """
    measured, full, tiny = row.seconds, profile.full, profile.tiny
    step = row.arm.setting.is_step
    if measured is None or full is None or row.work == "floor" or not full.seconds > 0:
        return None
    if step and tiny and not _same_operations(full, tiny):
        tiny = None
    if tiny is None and not (step and (full.operations or full.device is not None)):
        return None
    if tiny is None:
        costs = _of_step(full, row.arm.setting.device)
    elif full.device is not None:
        costs = _by_device_clock(full, full.device, tiny.device or 0.0)
    elif row.work != "algorithmic" and _consists_of_operations(full) and tiny.operations:
        costs = _by_operations(full, tiny, row.arm.setting.device, step=step)
    else:
        costs = _by_the_clock(full, tiny)
    floor = None if row.work == "algorithmic" else floor  # of 10 000 updates in one call, none reads the data by itself
    pace = _pace(measured, full.seconds)
    unsplit = [Part(name, seconds * pace, _HOW[name]) for name, seconds in costs.items() if seconds > 0]
    work = sum(part.seconds for part in unsplit if part.name in WORK)
    reading = _seconds_to_read(row.arm.setting, machine) if machine else floor
    readings = work / reading if reading and work else None
    parts = sorted([*_above_floor(unsplit, floor), *_floor_part(work, floor)], key=_order)
    clocks = f"the race measured {numbers.seconds(measured.value)}, the pass {numbers.seconds(full.seconds)}"
    scaled = f"; the parts were scaled by {pace:.3f}, as far as the race's interval allows" if pace != 1 else ""
    return Attribution(
        row.arm,
        measured,
        (*parts, _unexplained(measured, parts, clocks + scaled)),
        pace,
        readings,
        _disturbance(full, tiny) if tiny else 0.0,
        without_data=tiny.seconds / full.seconds if tiny else 0.0,
        algorithmic=row.work == "algorithmic",
        energy=profile.energy,
        modules=modules.scaled(profile, measured.value),
    )


def with_watching(attribution: Attribution, row: Raced, unwatched: Raced) -> Attribution | None:
    """The attribution of a watched arm: that of the same arm unwatched, and what watching adds to its whole job.

    None where one of the two jobs was not timed.
    """
    if not (row.seconds and row.job_seconds and unwatched.job_seconds):
        return None
    watching = max(0.0, row.job_seconds - unwatched.job_seconds) / row.arm.setting.updates
    how = "the whole job's time, less that of the same arm unwatched, over its updates"
    parts = [part for part in attribution.parts if part.name != PartName.UNEXPLAINED]
    parts.append(Part(PartName.WATCHING, watching, how))
    left = row.seconds.value - sum(part.seconds for part in parts)
    unexplained = Part(PartName.UNEXPLAINED, left, "the race's blocks, less the parts")
    return replace(attribution, arm=row.arm, measured=row.seconds, parts=(*parts, unexplained), energy=None, modules=())


def cost_of_an_event(one: Pass) -> float:
    """Seconds that the profiler adds to an update for each event that it notes; never below 0. Best known of a tiny pass."""
    if one.profiled is None or not one.events:
        return 0.0
    return max(0.0, (one.profiled - one.seconds) / one.events)


def without_profiler(one: Pass, cost: float) -> dict[str, float]:
    """Seconds of a pass by kind of operation, and "outside" of them, less what the profiler added.

    cost  seconds that an event adds
    """
    entries = sum(operation.entries for operation in one.operations)
    seconds = {"outside": (one.outside or 0.0) - cost * CONTAINED * entries}
    for operation in one.operations:
        events = (1 - CONTAINED) * operation.calls + CONTAINED * (operation.calls - operation.entries)
        seconds[operation.part] = seconds.get(operation.part, 0.0) + operation.seconds - cost * events
    return seconds


def _consists_of_operations(full: Pass) -> bool:
    """Whether PyTorch's profiler saw the arm at work: false for C, NumPy, Numba and JAX."""
    if not (full.profiled and full.operations) or full.outside is None:
        return False
    return full.outside < FOREIGN * full.profiled


def _same_operations(full: Pass, tiny: Pass) -> bool:
    """Whether a step makes as many operations with fewer rows: then the difference is what the rows cost."""
    alike = abs(tiny.events - full.events) <= SAME_EVENTS * full.events
    return alike and 0 < tiny.batch < full.batch


def _by_operations(full: Pass, tiny: Pass, device: str, *, step: bool = False) -> dict[PartName, float]:
    """The seconds of the two clocks, shared out by what the profiler saw; a share below 0 counts as none."""
    cost = cost_of_an_event(tiny)
    tiny_shares, full_shares = without_profiler(tiny, cost), without_profiler(full, cost)
    kinds = {**tiny_shares, **full_shares}
    left_out = 1 - tiny.batch / full.batch if step else 1.0  # share of the rows that the tiny pass has not
    added_shares = {kind: (full_shares.get(kind, 0.0) - tiny_shares.get(kind, 0.0)) / left_out for kind in kinds}
    fixed_shares = {kind: full_shares.get(kind, 0.0) - added_shares[kind] for kind in kinds}
    added = min(max(0.0, full.seconds - tiny.seconds) / left_out, full.seconds)
    parts: dict[PartName, float] = {}
    for total, shares, size in ((full.seconds - added, fixed_shares, 0), (added, added_shares, 1)):
        positive = {kind: seconds for kind, seconds in shares.items() if seconds > 0}
        for kind, seconds in positive.items():
            # A CPU has no device to wait for: what PyTorch calls a synchronisation reads a number off a tensor.
            known = kind in _PARTS_OF_OPERATIONS and not (kind == "sync" and device == "cpu")
            name = _PARTS_OF_OPERATIONS[kind if known else "forward"][size]
            parts[name] = parts.get(name, 0.0) + total * seconds / sum(positive.values())
    return parts


def _of_step(full: Pass, device: str) -> dict[PartName, float]:
    """The seconds of the clock, shared out by what the profiler saw; on a device, by the device's own clock."""
    if full.device is not None:
        return _by_device_clock(full, full.device, 0.0)
    shares = without_profiler(full, cost_of_an_event(full))
    positive = {kind: seconds for kind, seconds in shares.items() if seconds > 0}
    parts: dict[PartName, float] = {}
    for kind, seconds in positive.items():
        name = _PARTS_OF_STEPS["forward" if kind == "sync" and device == "cpu" else kind]
        parts[name] = parts.get(name, 0.0) + full.seconds * seconds / sum(positive.values())
    return parts


def _by_the_clock(full: Pass, tiny: Pass) -> dict[PartName, float]:
    return {PartName.CALL: min(tiny.seconds, full.seconds), PartName.KERNELS: full.seconds - tiny.seconds}


def _by_device_clock(full: Pass, busy: float, busy_without_data: float) -> dict[PartName, float]:
    return {
        PartName.DEVICE_WITHOUT_DATA: min(busy_without_data, busy),
        PartName.DEVICE_KERNELS: busy - busy_without_data,
        PartName.LAUNCH_GAPS: full.seconds - busy,
    }


def _pace(measured: Estimate, clocked: float) -> float:
    """What the race measured over what the clock of a pass said, or over the nearest end of the race's interval.

    1 where the race has no interval.
    """
    if measured.low is None or measured.high is None:
        return 1.0
    return measured.value / min(max(clocked, measured.low), measured.high)


def _seconds_to_read(setting: Setting, machine: Machine) -> float:
    """Seconds in which the machine can read the data of one update."""
    return setting.batch_rows * (setting.features + 1) * setting.item_bytes / machine.read_bandwidth


def _floor_part(work: float, floor: float | None) -> list[Part]:
    """The floor as a part of its own; less where the data cost less than that, as data do that are kept on the chip."""
    if not floor or not work:
        return []
    less = " (here the data cost less than that: they stay in a cache)" if work < floor else ""
    return [Part(PartName.READING_ONCE, min(floor, work), f"the race's arm that does nothing else{less}")]


def _above_floor(parts: Sequence[Part], floor: float | None) -> list[Part]:
    """The parts less the floor, which is taken from the first parts of the work: they read the data first."""
    left, above = floor or 0.0, []
    for part in sorted(parts, key=_order):
        taken = min(left, part.seconds) if part.name in WORK else 0.0
        left -= taken
        how = f"{part.how}, above reading them once" if taken else part.how
        if part.seconds > taken:
            above.append(Part(part.name, part.seconds - taken, how))
    return above


def _order(part: Part) -> int:
    return ORDER.index(part.name)


def _unexplained(measured: Estimate, parts: Sequence[Part], how: str) -> Part:
    """What the parts leave over; 0 where that is only rounding."""
    left = measured.value - sum(part.seconds for part in parts)
    return Part(PartName.UNEXPLAINED, left if abs(left) > 1e-9 * measured.value else 0.0, how)


def _disturbance(full: Pass, tiny: Pass) -> float:
    if full.profiled is None:
        return 0.0
    return max(0.0, (full.profiled - cost_of_an_event(tiny) * full.events) / full.seconds - 1)


def _key(arm: Arm, *, unwatched: bool = False) -> tuple[object, ...]:
    """What makes two arms of a race the same, whatever their role."""
    values = vars(arm.setting) | ({"watch": "none", "every": 0} if unwatched or arm.setting.watch == "none" else {})
    return (arm.implementation, *values.values())
