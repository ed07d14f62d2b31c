"""Where an update's time goes, in parts that add up to what the race measured. Apart: it alone reads profiles beside rows.

An arm was looked at in two passes of its own: as it is, and with next to no data. What is left with next to no data is what
an update costs whatever its size, and is split by what the profiler saw there. What is added at full size is the cost of the
data, and is split by how much longer each kind of operation took. Both are first freed of what the profiler itself costs:

- An event costs the same wherever it happens: (profiled - seconds) / events of the tiny pass, where that is known best.
- CONTAINED of it falls on what contains the event, for PyTorch notes the beginning as late and the end as early as it
  can. Measured on chains of 200 operations that TorchScript calls one after another, whose true cost is known: of the
  0.19 to 0.29 µs of an event, 5 to 15 % lay inside the operation's own time.
- What the interpreter contains is known: `entries`. The others are contained, most of them, by operations of their own part.

The profiler disturbs more than it counts: memory comes to lie elsewhere, caches are colder. So what it saw gives shares, and
the clocks of the two passes, read with nothing attached, give the seconds that are shared out.

The passes were timed in other minutes than the race. As far as the race's own interval allows, their times are scaled to what
it measured; where the clocks are further apart than that, what is between them is "unexplained".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bench.results.profile import Energy, Machine, Pass, Profile
from bench.results.record import Arm
from bench.results.statistics import Estimate
from impls.contract.setting import Setting
from reports.run.comparison import RaceResult
from reports.run.rows import Row, is_read_floor
from reports.text import numbers

CONTAINED = 0.9
FOREIGN = 0.9  # outside of PyTorch's operations for more of its time than this, an arm is not made of them

INTERPRETER, CALL, DISPATCH, AUTOGRAD, OPTIMIZER = "interpreter", "call", "dispatch", "autograd", "optimizer"
ENTRY, FETCHING, COPIES, WAITING = "entering compiled code", "data path", "copies", "waiting for the device"
FLOOR, FORWARD, BACKWARD, STEP = "reading the data once", "forward kernels", "backward kernels", "optimizer kernels"
COMPILED, KERNELS, STEADY, DEVICE = "compiled kernels", "kernels", "device without data", "device kernels"
GAPS, WATCHING, UNEXPLAINED = "launch gaps", "watching", "unexplained"

# What every update costs, what the data adds, and what is neither; in the order in which they are shown.
WHATEVER = (INTERPRETER, CALL, DISPATCH, AUTOGRAD, OPTIMIZER, ENTRY, STEADY)
PASSES = (FORWARD, BACKWARD, STEP, COMPILED, KERNELS, DEVICE)
ORDER = (*WHATEVER, FETCHING, COPIES, WAITING, GAPS, FLOOR, *PASSES, WATCHING, UNEXPLAINED)

# The parts that an operation's time goes to: with next to no data, and what is added at full size.
_OF = {
    "outside": (INTERPRETER, INTERPRETER),
    "forward": (DISPATCH, FORWARD),
    "allocation": (DISPATCH, FORWARD),
    "backward": (AUTOGRAD, BACKWARD),
    "optimizer": (OPTIMIZER, STEP),
    "compiled": (ENTRY, COMPILED),
    "data": (FETCHING, FETCHING),
    "copy": (COPIES, COPIES),
    "sync": (WAITING, WAITING),
}
_HOW = {
    INTERPRETER: "time in which the calling thread was in no operation, at full size",
    CALL: "the clock, with next to no data: the interpreter, the call, and arithmetic that is not of the rows",
    DISPATCH: "operations of the forward pass with next to no data",
    AUTOGRAD: "operations of the backward pass with next to no data; its engine between them counts as interpreter",
    OPTIMIZER: "operations of the optimizer with next to no data",
    ENTRY: "guards and the call of compiled code, with next to no data",
    FETCHING: "operations that fetch rows, at full size",
    COPIES: "operations that copy, at full size",
    WAITING: "operations that wait for the device, at full size",
    FORWARD: "what data adds to operations of the forward pass",
    BACKWARD: "what data adds to operations of the backward pass",
    STEP: "what data adds to operations of the optimizer",
    COMPILED: "what data adds to the time in compiled code",
    KERNELS: "the clock: what data adds to an update, of which PyTorch's profiler sees nothing",
    STEADY: "the device's own clock: busy with next to no data",
    DEVICE: "the device's own clock: what data adds to its busy time",
    GAPS: "the time of the pass in which the device was not busy: launches, the host's own work, and waiting",
}


@dataclass(frozen=True)
class Part:
    """Seconds of an update, and how they were obtained."""

    name: str
    seconds: float
    how: str


@dataclass(frozen=True)
class Attribution:
    """Where an arm's update goes. Its parts, "unexplained" among them, add up to what was measured.

    measured  seconds an update in the race
    parts     in the order of ORDER; only "unexplained", which is the last, can be below 0
    pace      by what the times of the passes were scaled to be those of the race; 1.1: it met a slower machine
    readings  how often the data could have been read in the time that it costs; None without roofline and floor
    disturbed how much longer an update took under the profiler than the events explain that it noted; 0.1: by a tenth
    without   how long it took with next to no data, over what it took with all; above 1 by noise only
    algorithmic  whether it is less work than an update: 10 000 in one call, of which the profiler sees next to nothing
    energy    of an update, where the device has a counter for it
    """

    arm: Arm
    measured: Estimate
    parts: tuple[Part, ...]
    pace: float = 1.0
    readings: float | None = None
    disturbed: float = 0.0
    without: float = 0.0
    algorithmic: bool = False
    energy: Energy | None = None

    @property
    def unexplained(self) -> float:
        """What no part explains, of the whole: 0.03 for 3 %; below 0 when the parts are more than the whole."""
        return self.share(UNEXPLAINED)

    def share(self, *names: str) -> float:
        """How much of an update goes into the parts of these names."""
        return sum(part.seconds for part in self.parts if part.name in names) / self.measured.value


def attributions(
    result: RaceResult, profiles: Iterable[Profile], machine: Machine | None = None
) -> tuple[Attribution, ...]:
    """Of every arm of a race that has a profile, in the order of the ladder."""
    seen = {_key(profile.arm): profile for profile in profiles}
    floors: dict[str, float] = {}
    for row in result.rows:
        if row.group == "floor" and row.seconds and is_read_floor(row.arm):
            device = row.arm.setting.device
            floors[device] = min(row.seconds.value, floors.get(device, row.seconds.value))
    rows = {_key(row.arm): row for row in result.rows}
    found = []
    for row in result.rows:
        bare_row = rows.get(_key(row.arm, unwatched=True))
        watched = row.arm.setting.watch != "none"
        of = bare_row if watched and bare_row else row
        profile = seen.get(_key(of.arm))
        device = row.arm.setting.device
        # the reference's device was measured; launches alone are what PyTorch's own reading of so little shows of a GPU
        known = machine if device == result.race.reference.setting.device == "cpu" else None
        attribution = attribute(of, profile, floors.get(device), known) if profile else None
        if attribution and of is not row:
            attribution = watched_one(row, of, attribution)
        found.append(attribution)
    return tuple(attribution for attribution in found if attribution)


def attribute(row: Row, profile: Profile, floor: float | None, machine: Machine | None = None) -> Attribution | None:
    """Where the update of a row goes; None for what was not measured, not profiled in both sizes, or is a floor itself.

    floor  seconds an update of the arm of the race that only reads the data, on the same device
    """
    measured, full, tiny = row.seconds, profile.full, profile.tiny
    if measured is None or full is None or tiny is None or row.work == "floor" or not full.seconds > 0:
        return None
    if full.device is not None:
        costs = _on_a_device(full, full.device, tiny.device or 0.0)
    elif row.work != "algorithmic" and _is_of_operations(full) and tiny.operations:
        costs = _by_operations(full, tiny, row.arm.setting.device)
    else:
        costs = _by_the_clock(full, tiny)
    floor = None if row.work == "algorithmic" else floor  # of 10 000 updates in one call, none reads the data by itself
    pace = _pace(measured, full.seconds)
    found = [Part(name, seconds * pace, _HOW[name]) for name, seconds in costs.items() if seconds > 0]
    added = sum(part.seconds for part in found if part.name in PASSES)
    once = _seconds_to_read(row.arm.setting, machine) if machine else floor
    readings = added / once if once and added else None
    shown = sorted([*_above(found, floor), *_once(added, floor)], key=lambda part: ORDER.index(part.name))
    clocks = f"the race measured {numbers.seconds(measured.value)}, the pass {numbers.seconds(full.seconds)}"
    scaled = f"; the parts were scaled by {pace:.3f}, as far as the race's interval goes" if pace != 1 else ""
    parts = (*shown, _rest(measured, shown, clocks + scaled))
    return Attribution(
        row.arm,
        measured,
        parts,
        pace,
        readings,
        _disturbed(full, tiny),
        without=tiny.seconds / full.seconds,
        algorithmic=row.work == "algorithmic",
        energy=profile.energy,
    )


def watched_one(row: Row, bare: Row, attribution: Attribution) -> Attribution | None:
    """The attribution of a watched arm: that of the same arm unwatched, and what looking adds to its whole job."""
    if not (row.seconds and row.job_seconds and bare.job_seconds):
        return None
    each = max(0.0, row.job_seconds - bare.job_seconds) / row.arm.setting.updates
    how = "the whole job's time, less that of the same arm unwatched, over its updates"
    parts = [part for part in attribution.parts if part.name != UNEXPLAINED] + [Part(WATCHING, each, how)]
    rest = Part(
        UNEXPLAINED, row.seconds.value - sum(part.seconds for part in parts), "the race's blocks, less the parts"
    )
    return replace(attribution, arm=row.arm, measured=row.seconds, parts=(*parts, rest), energy=None)


def cost_of_an_event(tiny: Pass) -> float:
    """Seconds that the profiler adds to an update for each event that it notes; never below 0."""
    if tiny.profiled is None or not tiny.events:
        return 0.0
    return max(0.0, (tiny.profiled - tiny.seconds) / tiny.events)


def freed(one: Pass, cost: float) -> dict[str, float]:
    """Seconds of a pass by part of its operations, and "outside" of them, as they are when no profiler looks.

    cost  seconds that an event adds
    """
    entries = sum(operation.entries for operation in one.operations)
    found = {"outside": (one.outside or 0.0) - cost * CONTAINED * entries}
    for operation in one.operations:
        own = (1 - CONTAINED) * operation.calls + CONTAINED * (operation.calls - operation.entries)
        found[operation.part] = found.get(operation.part, 0.0) + operation.seconds - cost * own
    return found


def _is_of_operations(full: Pass) -> bool:
    if not (full.profiled and full.operations) or full.outside is None:
        return False
    return full.outside < FOREIGN * full.profiled


def _by_operations(full: Pass, tiny: Pass, device: str) -> dict[str, float]:
    """The seconds of the two clocks, shared out by what the profiler saw; what comes out below nothing has no share."""
    cost = cost_of_an_event(tiny)
    without, whole = freed(tiny, cost), freed(full, cost)
    fixed = min(tiny.seconds, full.seconds)
    added = {part: whole.get(part, 0.0) - without.get(part, 0.0) for part in {**without, **whole}}
    found: dict[str, float] = {}
    for total, shares, column in ((fixed, without, 0), (full.seconds - fixed, added, 1)):
        positive = {part: seconds for part, seconds in shares.items() if seconds > 0}
        for part, seconds in positive.items():
            waits = part == "sync" and device == "cpu"  # nobody waits: a number is read off a tensor
            name = _OF["forward" if waits else part if part in _OF else "forward"][column]
            found[name] = found.get(name, 0.0) + total * seconds / sum(positive.values())
    return found


def _by_the_clock(full: Pass, tiny: Pass) -> dict[str, float]:
    return {CALL: min(tiny.seconds, full.seconds), KERNELS: full.seconds - tiny.seconds}


def _pace(measured: Estimate, clocked: float) -> float:
    """What the race measured over what the clock of a pass said, where that lies in the race's interval.

    Where it does not, as if it lay at the nearer end of it; without an interval, 1.
    """
    if measured.low is None or measured.high is None:
        return 1.0
    return measured.value / min(max(clocked, measured.low), measured.high)


def _on_a_device(full: Pass, busy: float, steady: float) -> dict[str, float]:
    return {STEADY: min(steady, busy), DEVICE: busy - steady, GAPS: full.seconds - busy}


def _seconds_to_read(setting: Setting, machine: Machine) -> float:
    width = {"float32": 4, "float64": 8}[setting.dtype]
    return setting.batch_rows * (setting.features + 1) * width / machine.read_bandwidth


def _once(added: float, floor: float | None) -> list[Part]:
    """The floor as a part of its own; less where the data costs less than that, for it is kept on the chip."""
    if not floor or not added:
        return []
    less = " (what the data adds here is less: it is kept nearer than memory)" if added < floor else ""
    return [Part(FLOOR, min(floor, added), f"the race's arm that does nothing else{less}")]


def _above(found: Sequence[Part], floor: float | None) -> list[Part]:
    """The parts without the floor. It is taken from what comes first in an update, for that is what reads the data first."""
    left, above = floor or 0.0, []
    for part in sorted(found, key=lambda part: ORDER.index(part.name)):
        taken = min(left, part.seconds) if part.name in PASSES else 0.0
        left -= taken
        how = f"{part.how}, above reading it once" if taken else part.how
        if part.seconds > taken:
            above.append(Part(part.name, part.seconds - taken, how))
    return above


def _rest(measured: Estimate, parts: Sequence[Part], how: str) -> Part:
    """What the parts leave over; what only rounding leaves is nothing."""
    left = measured.value - sum(part.seconds for part in parts)
    return Part(UNEXPLAINED, left if abs(left) > 1e-9 * measured.value else 0.0, how)


def _disturbed(full: Pass, tiny: Pass) -> float:
    if full.profiled is None:
        return 0.0
    return max(0.0, (full.profiled - cost_of_an_event(tiny) * full.events) / full.seconds - 1)


def _key(arm: Arm, *, unwatched: bool = False) -> tuple[object, ...]:
    """What makes two arms of a race the same, whatever their role."""
    values = vars(arm.setting) | ({"watch": "none", "every": 0} if unwatched or arm.setting.watch == "none" else {})
    return (arm.implementation, *values.values())
