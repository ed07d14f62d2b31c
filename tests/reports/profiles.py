"""Profiles made by hand of arms whose true costs are known, for the tests of attribution."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bench.results.profile import Machine, Operation, Pass, Profile
from bench.results.record import Arm
from bench.results.statistics import Estimate
from reports.profile.attribution import Attribution, attribute
from reports.run.report import RaceResult
from reports.run.rows import Row
from tests.reports.records import FLOOR, MANUAL, REFERENCE, compared, rounds

US = 1e-6
EVENT = 0.7 * US  # what the profiler adds for each event; all of it falls on what contains the event
MACHINE = Machine(read_bandwidth=100e9, operations=50e9, working_set=800_000)
ROWS = 100_000


@dataclass(frozen=True)
class Truth:
    """What an operation truly costs: seconds an update without data, and what 100 000 rows add.

    within  how many operations it calls an update
    top     whether the interpreter calls it
    """

    name: str
    part: str
    fixed: float
    added: float = 0.0
    within: int = 0
    top: bool = False


# An update of 200 µs: 40 interpreter, 20 dispatch, 30 autograd, 10 optimizer; 25 forward, 70 backward, 5 copies.
NN = (
    Truth("aten::addmm", "forward", 12 * US, 20 * US, within=2, top=True),
    Truth("aten::t", "forward", 2 * US),
    Truth("aten::sum", "forward", 6 * US, 5 * US),
    Truth("autograd::engine::evaluate_function: AddmmBackward0", "backward", 10 * US, within=2, top=True),
    Truth("AddmmBackward0", "backward", 10 * US),
    Truth("aten::mm", "backward", 10 * US, 70 * US),
    Truth("Optimizer.step#SGD.step", "optimizer", 10 * US, within=1, top=True),
    Truth("aten::copy_", "copy", 0.0, 5 * US),
)
INTERPRETER = 40 * US


def one_pass(rows: int, truth: Sequence[Truth], interpreter: float, event: float = EVENT, slower: float = 1.0) -> Pass:
    """What a pass sees of these costs; an event's own cost falls on what contains it.

    slower  by what factor the machine was, while this was looked at
    """
    size = rows / ROWS if rows > 100 else 0.0
    top = sum(each.top for each in truth)
    seconds = interpreter + sum(each.fixed + each.added * size for each in truth)
    operations = [
        Operation(
            name=each.name,
            part=each.part,
            calls=1,
            entries=float(each.top),
            seconds=slower * (each.fixed + each.added * size + event * each.within),
        )
        for each in truth
    ]
    return Pass(
        rows=rows,
        batch=rows,
        seconds=slower * seconds,
        profiled=slower * (seconds + event * len(truth)),
        outside=slower * (interpreter + event * top),
        events=len(truth),
        operations=tuple(operations),
    )


def profile(
    arm: Arm = REFERENCE,
    truth: Sequence[Truth] = NN,
    interpreter: float = INTERPRETER,
    event: float = EVENT,
    slower: float = 1.0,
) -> Profile:
    """A profile with both passes of an arm with these true costs."""
    full, tiny = (one_pass(rows, truth, interpreter, event, slower) for rows in (ROWS, 2))
    return Profile(run="made-up", arm=arm, status="ok", full=full, tiny=tiny)


def clocked(arm: Arm, full: float, tiny: float) -> Profile:
    """A profile of an arm without PyTorch's operations: two readings of the clock."""
    passes = [
        Pass(rows=rows, batch=rows, seconds=seconds, profiled=seconds, outside=seconds)
        for rows, seconds in ((ROWS, full), (2, tiny))
    ]
    return Profile(run="made-up", arm=arm, status="ok", full=passes[0], tiny=passes[1])


def result_of(speeds: Mapping[Arm, float], floor: float | None = 4 * US) -> RaceResult:
    """A race of the reference at 400 µs, of arms at these seconds an update, and of the floor that only reads."""
    floors = rounds(FLOOR, floor, work="floor", judgement=None) if floor else []
    return compared(speeds, *floors).races[0]


def row_of(result: RaceResult, arm: Arm) -> Row:
    """The row of an arm."""
    return next(row for row in result.rows if row.arm == arm)


def exactly(seconds: float, half: float = 0.05) -> Estimate:
    """A measurement with an interval of this relative half-width."""
    return Estimate(seconds, seconds * (1 - half), seconds * (1 + half), 6)


def attributed(
    measured: float = 200 * US,
    truth: Sequence[Truth] = NN,
    interpreter: float = INTERPRETER,
    arm: Arm = MANUAL,
    floor: float | None = None,
) -> Attribution:
    """The attribution of an arm with these true costs, measured to take so long."""
    row = replace(row_of(result_of({arm: measured}), arm), seconds=exactly(measured))
    found = attribute(row, profile(arm, truth, interpreter), floor, MACHINE)
    assert found
    return found
