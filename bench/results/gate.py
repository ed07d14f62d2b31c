"""What a gate is asked and what it finds: typed, frozen and torch-free, for it is kept on disk and reports read it."""

from typing import Literal

from msgspec import Struct

from bench.results.record import Arm, Record

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
    """What counts as slower, as fractions of the base's time: 0.03 is 3 %.

    gate   a slowdown of at least so much stops a merge, and `ok` says that it is excluded
    floor  a slowdown must be proved to be more than this, however sure it is; 0 <= floor < gate
    """

    gate: float = 0.03
    floor: float = 0.01


class Side(Struct, frozen=True, kw_only=True):
    """One of the two that are raced.

    name      as it was asked for: "origin/main", "the working tree"
    commit    its commit; None for what is not committed
    changed   whether it is a working tree with changes that no commit has
    python    the interpreter its arms run in
    versions  of what matters there: {"python": "3.12.1", "torch": "2.13.0", "numpy": ...}
    folder    below its copies, where `impls` lies: "" or, say, "benchmarks"
    copies    folders that hold it, equal to the byte and with paths of equal length; relative to the gate's folder
    digest    SHA-256 of all its files
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


class Cell(Struct, frozen=True, kw_only=True):
    """One arm on both sides.

    kind     "raced"; "control": identical on both sides, raced all the same to see what the machine does; "identical" and
             not raced; "new": the base does not have it; "missing": the head does not have it any more
    differs  the files it is made of that differ, as paths from the side's folder
    """

    arm: Arm
    kind: Kind
    margins: Margins = Margins()
    differs: tuple[str, ...] = ()

    @property
    def slug(self) -> str:
        """Its name as a file name; a control's says so, for an arm may be both raced and a control."""
        name = f"{self.kind} {self.arm.key}" if self.kind == "control" else self.arm.key
        return "".join(c if c.isalnum() or c in "_." else "-" for c in name).strip("-")


class GatePlan(Struct, frozen=True, kw_only=True):
    """What a gate set out to do; written first, never changed.

    seed         of all random orders
    budget       seconds after which no further round is started
    most         rounds of each stage after which a cell stays unresolved
    limit        seconds that any single step of an arm may take
    lap_seconds  of racing in each round
    named        whether a person named the arms: then one that only one side has is no answer
    options      options of the command line that a command for the same sides needs too, by name: {"gate": "5%"}; a flag
                 is True; None in plans that are older than this field
    notes        sentences about what was compared, for the reader: "the base is where the head left origin/main"
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
    options: dict[str, str | bool] | None = None
    notes: tuple[str, ...] = ()

    def side(self, role: Role) -> Side:
        """The side with this role."""
        return self.base if role == "base" else self.head


class PairedRound(Struct, frozen=True, kw_only=True):
    """One round of one cell: fresh processes of both sides, their blocks in laps. The unit of replication.

    round    from 1, in each stage anew
    copies   which of its copies each side ran from
    seconds  wall time, with starting
    """

    format: int = FORMAT
    stage: Stage
    round: int
    base: Record
    head: Record
    copies: tuple[int, int] = (0, 0)
    seconds: float = 0.0


class Count(Struct, frozen=True, kw_only=True):
    """A quantity without noise on both sides; None where it could not be counted.

    bad  whether more of it fails by itself, and there is more of it
    """

    base: float | None
    head: float | None
    bad: bool = False


class Counts(Struct, frozen=True, kw_only=True):
    """The counters of one cell, by the names of `profile.COUNTERS`.

    unsteady  those left out, for two countings of the base differed
    reason    why nothing could be counted, if so
    head_alone  whether that is so of the head only, and the base could be counted
    breaks    why the compiler gave up on the head, where it did not on the base
    """

    format: int = FORMAT
    counters: dict[str, Count] = {}
    unsteady: tuple[str, ...] = ()
    reason: str = ""
    head_alone: bool = False
    breaks: tuple[str, ...] = ()


class Clocked(Struct, frozen=True, kw_only=True):
    """The change that rounds showed: head over base, minus 1; above 0 is slower.

    low, high  its 95 % interval, Student's t over rounds; None with one round
    deviation  standard deviation of a round's logarithm
    """

    change: float
    low: float | None
    high: float | None
    rounds: int
    deviation: float | None = None


Cause = Literal["counter", "ended", "mended", "workload", "data", "times", "controls", "counting"]


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
    role    of `ended`: the side; None where neither side can run the arm
    what    of `counter`: its name; of `ended`: the status, such as "crashed"
    detail  of `ended` and `counting`: the message of the arm
    """

    cause: Cause
    role: Role | None = None
    what: str = ""
    detail: str = ""


class CellVerdict(Struct, frozen=True, kw_only=True):
    """What is said of a cell, and by what.

    word      regressed: slower by more than the floor, proved twice, or more of a counter that is bad by itself; ok: a
              slowdown of the gate or more is excluded; improved: ok, and as surely faster by more than the floor;
              unresolved; wrong, failed: an answer or an end, not a time; unmeasured: there are no times that can be
              compared; unavailable: neither side can be run here;
              identical, new, missing: not raced, as the cell's kind
    stops     whether it is a reason to stop the merge: a regression, or right or running on the base and not on the head
    clocked   by all rounds that count: the confirmation's where there was one, else the screening's
    screened  by the screening alone, where there was a confirmation
    reasons   of a verdict that measured times alone do not explain; empty otherwise
    minutes_to_resolve   of an unresolved cell, at about so many more minutes it can be decided; None when nobody knows
    smallest_detectable  the smallest slowdown that rounds like these would have called a regression in 80 of 100 gates
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


class Controls(Struct, frozen=True, kw_only=True):
    """What cells showed that are the same on both sides: there the truth is 0.

    clocked  over all rounds of all of them; of those of the confirmation, where they seemed off and were raced again
    vetoes   whether they are off by more than chance and the floor allow, twice: then no clock is believed
    """

    names: tuple[str, ...] = ()
    clocked: Clocked | None = None
    vetoes: bool = False


class GateVerdict(Struct, frozen=True, kw_only=True):
    """All that a gate has found.

    word                 of the whole: the gravest that applies
    cells                in the order of the plan, controls left out
    family_error         at most so often does a gate like this one call anything a regression where nothing changed
    smallest_detectable  median over the cells that were raced
    complete             whether nothing is left to do; not so after an interruption, or when the budget ended first
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
