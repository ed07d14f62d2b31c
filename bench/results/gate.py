"""The plan, rounds, counts and verdict of a gate: frozen values, of which plan, rounds and counts are kept as files."""

from typing import Literal

from msgspec import Struct

from bench.results.record import Answer, Arm, Record

FORMAT = 1

Role = Literal["base", "head"]
Stage = Literal["screen", "confirm"]
ROLES: tuple[Role, Role] = ("base", "head")
STAGES: tuple[Stage, Stage] = ("screen", "confirm")
Kind = Literal["raced", "control", "identical", "new", "missing"]
Word = Literal[
    "regressed",
    "ok",
    "improved",
    "unresolved",
    "wrong",
    "failed",
    "unmeasured",
    "unavailable",
    "identical",
    "new",
    "missing",
]
Whole = Literal["regressed", "unmeasured", "wrong", "failed", "unresolved", "ok", "nothing to race"]


class Margins(Struct, frozen=True, kw_only=True):
    """What counts as worse; fractions are of the base's: 0.03 is 3 %.

    gate       a slowdown of this size or more stops a merge, and `ok` says that it is excluded
    floor      a regression must be proved to be slower by more than this; 0 <= floor < gate
    phases     the gate of a single phase of a step's update; its floor is a third of it
    memory     more memory than this for a step's update stops a merge
    bits_lost  that a step's update may lose against the base's; None: any, and another computation is only told
    seconds    that an update may take at most, whatever the base's takes; None for no such budget
    bytes      that a step's update may need at most, whatever the base's needs; None for no such budget
    """

    gate: float = 0.03
    floor: float = 0.01
    phases: float = 0.06
    memory: float = 0.10
    bits_lost: float | None = 2.0
    seconds: float | None = None
    bytes: int | None = None

    @property
    def of_phase(self) -> "Margins":
        """The margins of a single phase."""
        return Margins(gate=self.phases, floor=self.phases / 3)


class Side(Struct, frozen=True, kw_only=True):
    """One of the two versions of the code that are compared.

    name      as it was asked for: "origin/main", "the working tree"
    commit    its commit; None for a working tree with changes
    changed   whether it is a working tree with changes that no commit has
    python    the interpreter that its arms run in
    versions  of Python and of the packages that matter there: {"python": "3.12.1", "torch": "2.13.0", "numpy": ...}
    folder    where `impls` lies, from the root of a copy: "" or, say, "benchmarks"
    copies    folders with its files, equal to the byte and with paths of equal length; relative to the gate's folder
    digest    SHA-256 of all its files
    steps     paths of the step files that are raced, from the root of a copy, by the names of the steps; looprace's own
              code is then the same on both sides
    """

    role: Role
    name: str
    commit: str | None = None
    changed: bool = False
    python: str = ""
    versions: dict[str, str] = {}
    folder: str = ""
    copies: tuple[str, ...] = ()
    digest: str = ""
    steps: dict[str, str] = {}


class Cell(Struct, frozen=True, kw_only=True):
    """One arm on both sides.

    kind     raced; control: the base raced against itself, to see what the machine does; identical: the same code on both
             sides, not raced; new: the base does not have it; missing: the head no longer has it
    differs  the files it stands on that differ between the sides, as paths from the side's folder
    base_arm the arm as the base has it, where the parameters of a step have other values there; else None
    phased   whether the phases of its updates can be seen, and are timed and judged too
    """

    arm: Arm
    kind: Kind
    margins: Margins = Margins()
    differs: tuple[str, ...] = ()
    base_arm: Arm | None = None
    phased: bool = False

    def arm_on(self, role: Role) -> Arm:
        """The arm as this side has it."""
        return self.base_arm or self.arm if role == "base" else self.arm

    @property
    def slug(self) -> str:
        """Its name as a file name; a control's begins with "control", because its arm may be raced as well."""
        name = f"{self.kind} {self.arm.key}" if self.kind == "control" else self.arm.key
        return "".join(c if c.isalnum() or c in "_." else "-" for c in name).strip("-")


class GatePlan(Struct, frozen=True, kw_only=True):
    """What a gate sets out to do; written first and never changed.

    command      as it was typed
    seed         of all random orders
    budget       seconds after which no further round is started
    most         rounds of each stage after which a cell stays unresolved
    limit        seconds that any single step of an arm may take
    lap_seconds  seconds of racing in each round
    named        whether a person named the arms: then an arm that only one side has leaves the gate unmeasured
    options      options of the command line that a command for the same sides needs too, by name: {"gate": "5%"}; a flag
                 is True; None in plans that are older than this field
    notes        sentences about what is compared, without a full stop: "the base is where the head left origin/main"
    """

    format: int = FORMAT
    run: str
    command: str
    seed: int
    base: Side
    head: Side
    cells: tuple[Cell, ...]
    budget: float
    most: int
    limit: float
    lap_seconds: float
    named: bool = False
    options: dict[str, str | bool | list[str]] | None = None
    notes: tuple[str, ...] = ()

    def side(self, role: Role) -> Side:
        """The side with this role."""
        return self.base if role == "base" else self.head


class PairedRound(Struct, frozen=True, kw_only=True):
    """One round of one cell: fresh processes of both sides, whose blocks alternate in laps. The unit of replication.

    round    its number, from 1 in each stage
    copies   which copy each side ran from: base, head
    seconds  wall time, with starting the processes
    phases   of a phased cell: seconds an update, lap by lap, by phase and side
    """

    format: int = FORMAT
    stage: Stage
    round: int
    base: Record
    head: Record
    copies: tuple[int, int] = (0, 0)
    seconds: float = 0.0
    phases: dict[str, dict[Role, tuple[float, ...]]] = {}

    def side(self, role: Role) -> Record:
        """The record of the side with this role."""
        return self.base if role == "base" else self.head


class Count(Struct, frozen=True, kw_only=True):
    """A counter on both sides; None where it could not be counted.

    bad  whether the head has more of it and more of it is a regression by itself
    """

    base: float | None
    head: float | None
    bad: bool = False


class Counts(Struct, frozen=True, kw_only=True):
    """The counters of one cell, by the names of `profile.COUNTERS`.

    unsteady    counters that are left out because two countings of the base differed
    reason      why nothing could be counted; empty where it could
    head_alone  whether the head could not be counted and the base could
    breaks      reasons of graph breaks on the head that the base does not have
    answer      of an arm of a step: what its update computes on the head, judged by the base's truth and ensemble; identical
                where every bit equals the base's
    base_answer the same of the base's own update, where the head's answer is not good enough and the arm is not the plain
                step: a recipe may lose bits by its nature
    """

    format: int = FORMAT
    counters: dict[str, Count] = {}
    unsteady: tuple[str, ...] = ()
    reason: str = ""
    head_alone: bool = False
    breaks: tuple[str, ...] = ()
    answer: Answer | None = None
    base_answer: Answer | None = None


class Clocked(Struct, frozen=True, kw_only=True):
    """The change that rounds show: head over base, minus 1; above 0 the head is slower.

    low, high  its 95 % interval, by Student's t over rounds; None with one round
    deviation  standard deviation of ln(head / base) over rounds; None with one round
    """

    change: float
    low: float | None
    high: float | None
    rounds: int
    deviation: float | None = None


Cause = Literal[
    "counter",
    "ended",
    "mended",
    "workload",
    "data",
    "times",
    "controls",
    "counting",
    "phase",
    "memory",
    "answer",
    "budget",
]


class Reason(Struct, frozen=True, kw_only=True):
    """A reason for a verdict that is not a measured time; reports put it into words.

    cause   counter: the head has more of a counter that fails by itself
            ended: an arm failed, gave a wrong answer, or cannot run here
            mended: the head is right, the base was not
            workload: the head's workload, which judges both sides, is not the base's
            data: the two sides were given different data
            times: no round left times that can be compared
            controls: the controls differ, so no measured time is believed
            counting: the base could be counted and the head could not
            phase: a phase of the update is slower, shown twice
            memory: an update of a step needs more memory than the margin allows
            answer: the head's update computes something else than the base's, or loses more bits than the margin allows
            budget: the head exceeds a budget
    role    of `ended`: the side; None where neither side can run the arm
    what    of `counter`: its name; of `ended`: the status, such as "crashed"; of `phase`: its name; of `answer`: the judge's
            word; of `budget`: "time" or "memory"
    detail  of `ended` and `counting`: the message of the arm
    """

    cause: Cause
    role: Role | None = None
    what: str = ""
    detail: str = ""


class Memory(Struct, frozen=True, kw_only=True):
    """The memory of each side, in bytes."""

    base: int
    head: int


PhaseWord = Literal["regressed", "ok", "improved", "unresolved", "small"]


class Phase(Struct, frozen=True, kw_only=True):
    """The verdict on one phase of an update.

    word   as of a cell, by the phase's own margins; small: too small a part of the update to be judged
    share  of the phase in the base's update; of "data", which is no part of it, its time over the update's
    """

    word: PhaseWord
    share: float
    clocked: Clocked | None = None


class Budget(Struct, frozen=True, kw_only=True):
    """A budget of the head, and whether it keeps it. The interval of a time is a 95 % one, over rounds.

    what   time: seconds of an update; memory: bytes of one
    word   kept: all of the interval is within the budget; broken: all of it is beyond; else unresolved
    """

    what: Literal["time", "memory"]
    most: float
    value: float
    low: float | None = None
    high: float | None = None
    word: Literal["kept", "broken", "unresolved"]


class CellVerdict(Struct, frozen=True, kw_only=True):
    """The verdict on a cell, and what it is based on.

    word      regressed: slower by more than the floor, shown twice, or more of a counter that is bad by itself
              ok: a slowdown of the gate or more is excluded
              improved: ok, and faster by more than the floor with the same certainty
              unresolved: none of these could be shown yet
              wrong, failed: the head gives a wrong answer, or does not run
              unmeasured: there are no times that can be compared
              unavailable: neither side can run it here
              identical, new, missing: not raced, as the cell's kind says
    stops     whether it stops the merge: a regression, or an arm that is right on the base and wrong or failing on the head
    clocked   the change by the rounds that count: the confirmation's where there was one, else the screening's
    screened  the change by the screening alone, where there was a confirmation
    reasons   of a verdict that measured times alone do not explain; empty otherwise
    minutes_to_resolve   about how many more minutes decide an unresolved cell; None where that cannot be estimated
    smallest_detectable  the smallest slowdown that 80 of 100 gates with rounds like these call a regression
    memory    of a step: the most bytes that tensors had in an update, with the state; of an exact workload as `resident`.
              None where it is not known of both sides
    resident  the most bytes that the process had, on the device where that is not the CPU: the median over rounds
    phases    by name, in the order of an update; empty where they cannot be seen
    budgets   of the head, where there are any
    timed     whether measured times of the whole update show a regression, whatever else does
    """

    cell: Cell
    word: Word
    stops: bool = False
    clocked: Clocked | None = None
    screened: Clocked | None = None
    counts: Counts | None = None
    reasons: tuple[Reason, ...] = ()
    minutes_to_resolve: float | None = None
    smallest_detectable: float | None = None
    memory: Memory | None = None
    resident: Memory | None = None
    phases: dict[str, Phase] = {}
    budgets: tuple[Budget, ...] = ()
    timed: bool = False


class Controls(Struct, frozen=True, kw_only=True):
    """What the controls showed: cells that are the same on both sides, so that the true change is 0.

    clocked  the change over the rounds of all controls; of the confirmation's, where they were off and raced again
    vetoes   whether they are off by more than chance and the floor allow, twice: then no measured time is believed
    """

    names: tuple[str, ...] = ()
    clocked: Clocked | None = None
    vetoes: bool = False


class GateVerdict(Struct, frozen=True, kw_only=True):
    """The outcome of a gate.

    word                 the outcome of the whole: the gravest that applies
    cells                in the order of the plan, without controls
    family_error         upper bound of the probability that such a gate calls anything a regression where nothing changed
    smallest_detectable  median over the cells that were raced
    seconds              wall time of all rounds
    complete             whether no round is missing; False after an interruption, or when the budget ended first
    """

    format: int = FORMAT
    plan: GatePlan
    word: Whole
    cells: tuple[CellVerdict, ...]
    controls: Controls
    family_error: float
    smallest_detectable: float | None = None
    seconds: float = 0.0
    complete: bool = True
