"""The plan of a run, and the records of its rounds: immutable values that are checked when they are read from a file."""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from bench.results import identity
from impls.contract import Work
from impls.contract.catalogue import workloads
from impls.contract.coordinates import RACED, slug, spoken, title
from impls.contract.setting import Setting

FORMAT = 4
# History of the format, newest last; files of every format can be read.
#   1  2026-11: the first
#   2  2026-11: work may be "floor"; a plan may sweep a coordinate
#   3  2026-11: judgements keep the weights; a run keeps loss curves and sources; telemetry
#   4  2026-11: steps and recipes; a setting has parameters; a record keeps the answer to a step, its patch and its compiler

Role = Literal["arm", "reference", "twin"]
Status = Literal[
    "ok", "wrong", "unsupported", "unavailable", "failed", "crashed", "timeout", "out_of_memory", "interrupted"
]
Word = Literal["identical", "same", "closer", "same in distribution", "coarser", "undecidable", "different", "unjudged"]
# Answers of arms that may be ranked.
RANKED: tuple[Word, ...] = ("identical", "same", "closer", "same in distribution", "coarser")
Draws = Literal["", "equal", "own"]
Whose = Literal["", "rewrite", "capture", "compiler"]
Weights = dict[str, list[float | None] | float | None]  # None for what is not finite
MEASURED: tuple[Status, ...] = (
    "ok",
    "wrong",
)  # an arm with another status is not started again, unless it was interrupted


class Arm(Struct, frozen=True, kw_only=True):
    """An implementation at a setting. The twin is the reference once more, in a process of its own."""

    workload: str
    implementation: str
    setting: Setting
    role: Role = "arm"

    @property
    def name(self) -> str:
        """How it is shown: "linear/manual cpu eager", of a step "fused" or "fused cuda"; " (twin)" after the twin's."""
        where = "" if self.setting.is_step and self.setting.device == "cpu" else f" {spoken(self.setting)}"
        return self.implementation + where + (" (twin)" if self.role == "twin" else "")

    @property
    def key(self) -> str:
        """Its identity in exports and histories: it does not depend on the defaults of today."""
        return identity.key(self.workload, self.implementation, self.setting, twin=self.role == "twin")

    @property
    def label(self) -> str:
        """How it is shown among arms of other jobs: workload, name, and what is not the workload's own today."""
        if self.setting.is_step:
            return f"{self.workload} {self.name}, {title(self.setting)}"
        known = workloads().get(self.workload)  # a run may be older than the catalogue of today
        own = vars(known.setting()) if known else {}
        fixed = {name: value for name, value in vars(self.setting).items() if name not in RACED}
        chosen = [f"{name} {value}" for name, value in fixed.items() if value != own.get(name)]
        return " ".join([self.workload, self.name, *chosen])

    @property
    def slug(self) -> str:
        """The name as a file name."""
        return "".join(c if c.isalnum() or c in "_." else "-" for c in self.name).strip("-")

    @property
    def block_key(self) -> tuple[object, ...]:
        """Equal for arms that run the same code at the same setting; they share one number of updates a block."""
        return (self.implementation, *(getattr(self.setting, name) for name in RACED))


class Race(Struct, frozen=True, kw_only=True):
    """Arms that do the same work: the reference first, its twin second. Their settings differ in RACED coordinates only."""

    workload: str
    arms: tuple[Arm, ...]

    @property
    def reference(self) -> Arm:
        """The arm that the others are compared with."""
        return self.arms[0]

    @property
    def title(self) -> str:
        """The work in words: "linear/line, 100 000 x 1 float32, full batch, 10 000 updates, 1 thread"."""
        return f"{self.workload}, {title(self.reference.setting)}"

    @property
    def slug(self) -> str:
        """The title as a short file name."""
        words = f"{self.workload}-{slug(self.reference.setting)}"
        plain = "".join(c if c.isascii() and (c.isalnum() or c in "_.-+=") else "-" for c in words)
        return plain.lstrip(".-")  # a step's path and its parameters may be any text: never hidden, never a path


class Plan(Struct, frozen=True, kw_only=True):
    """What a run is to measure; written first, never changed.

    seed           of the order of the laps
    rounds         (least, most) rounds of each race
    precision      half-width of the ratio's interval at which a race may stop, e.g. 0.01
    budget         seconds the whole run may take before it starts no further round
    limit          seconds that any one step of an arm may take
    lap_seconds    seconds of laps that each round aims at
    alone          whether the arms of round 1 start one at a time, so that their cold times are their own
    swept          the coordinate of the setting that grows from race to race: "rows", "features", "batch"; or ""
    notes          sentences about what is not raced, for the reader
    files          the fingerprint of each file that its rounds depend on, by path from the checkout; an older
                   looprace kept none
    folder         that has the steps which are not shipped, in its steps/; "" for none
    members        of the ensemble that says what rounding explains, of steps
    climb          seconds that a climb from its races may take, besides their budget; 0: there is none
    resting        ratio to the reference beyond which an arm rests, once two rounds have shown it; 0: none rests
    settled        rounds before which no width of an interval ends anything: after them an arm rests as soon as its ratio is
                   known to the precision; 0: none rests for that
    """

    format: int = FORMAT
    run: str
    command: str
    seed: int
    races: tuple[Race, ...]
    rounds: tuple[int, int]
    precision: float
    budget: float
    limit: float
    lap_seconds: float
    alone: bool
    swept: str = ""
    notes: tuple[str, ...] = ()
    files: dict[str, str] = {}
    folder: str = ""
    members: int = 19
    climb: float = 0.0
    resting: float = 0.0
    settled: int = 0

    def named(self, run: str, files: dict[str, str] | None = None) -> "Plan":
        """The same plan for a run of this name, and of these files."""
        return replace(self, run=run, files=files or {})


class Judgement(Struct, frozen=True, kw_only=True):
    """The referee's verdict on an arm's weights after `updates` updates from the start.

    when       "first update", "probe", "job" or "blocks"
    loss       float64, over all rows; None when the weights are not finite
    distance   from the exact answer, of the weight that is furthest off in terms of its tolerance; None when not finite
    tolerance  for that weight
    fault      what is wrong, in a sentence; None when nothing is
    weights    the weights, where they are only a few numbers; None for a number that is not finite
    """

    when: str
    updates: int
    loss: float | None
    distance: float | None
    tolerance: float
    fault: str | None = None
    weights: Weights | None = None


class Power(Struct, frozen=True, kw_only=True):
    """The smallest relative errors that the referee notices in a step, each planted and found; None where even 1 is not.

    gradient  of all gradients together
    rate      of the learning rate
    number    of one number, the largest of the gradient that has the most numbers
    """

    gradient: float | None = None
    rate: float | None = None
    number: float | None = None


class Answer(Struct, frozen=True, kw_only=True):
    """The referee's word on one update of an arm of a step, compared with the truth and with what rounding explains.

    word            see design: identical, same, closer, same in distribution, coarser, undecidable, different; unjudged where
                    it cannot be told yet
    bits_lost       in float32, of the worst tensor: log2 of its distance to the truth over what rounding explains
    scale_bits      the same along the truth's own direction, which shows a factor
    bits_lost_float64, scale_bits_float64
                    the same of the arm built in float64, which decides; None where it cannot be built so
    tensor          the worst tensor: "gradient 0 of model.0.weight"; of a different answer the first that differs
    left_out        tensors that were not compared, each with the reason
    reason          of different, undecidable and unjudged: why, in a sentence; else empty
    power           the smallest mistakes that the referee notices here, found by making them
    whose           of a different answer, whose fault it is: of the rewrite's own lines, of the capture of the graph, or of
                    the compiler; "" where that was not found out
    stage           of a fault of the compiler: from which stage on it is wrong, "inductor: post_grad_passes"
    module          of a rewrite's: the first of a module that differs, "output of 1 (BatchNorm2d)"
    script          the file in the run's scripts/ that shows it without looprace; "" for none
    undiagnosed     why this was not found out, or not to its end; "" where it was
    skipped         updates in which a gradient scaler did not let the optimizer step, of those that were judged and, as far
                    as its scale tells, of those that were timed
    audits          updates that the timed object had made since its start each time that it was judged: (0, 412, 1000)
    draws           of a step that draws random numbers: whether the timed object draws the plain step's ("equal") or "own"; ""
                    where that is not known
    consistency_bits, distribution_p
                    of own draws: log2 of its gradient's distance from the derivative of its loss over what the plain step's
                    differences have; the least probability of all tests that its draws are distributed alike, corrected
    """

    word: Word
    bits_lost: float | None = None
    scale_bits: float | None = None
    bits_lost_float64: float | None = None
    scale_bits_float64: float | None = None
    tensor: str = ""
    left_out: tuple[str, ...] = ()
    reason: str = ""
    power: Power | None = None
    whose: Whose = ""
    stage: str = ""
    module: str = ""
    script: str = ""
    undiagnosed: str = ""
    skipped: int = 0
    audits: tuple[int, ...] = ()
    draws: Draws = ""
    consistency_bits: float | None = None
    distribution_p: float | None = None


class Compiler(Struct, frozen=True, kw_only=True):
    """What was compiled in an arm's process.

    graphs          compiled until the blocks began
    breaks          why graphs broke, each reason once
    recompilations  since the blocks began
    """

    graphs: int = 0
    breaks: tuple[str, ...] = ()
    recompilations: int = 0


class LossCurve(Struct, frozen=True, kw_only=True):
    """The exact loss and weights during a race's job, from the oracle in float64; every right arm follows them.

    updates    numbers of updates, rising, from 0 to the whole job
    losses     over all rows, after each number of updates
    minimum    the least loss that any weights have
    parameters (weight, bias) after each number of updates; this and the next three are empty unless there is one feature
    optimum    the parameters with the least loss
    curvature  the loss is minimum + d' curvature d, where d = parameters - optimum
    sample     some rows of the data, (x, y), evenly spaced
    """

    format: int = FORMAT
    updates: tuple[int, ...]
    losses: tuple[float, ...]
    minimum: float
    parameters: tuple[tuple[float, float], ...] = ()
    optimum: tuple[float, ...] = ()
    curvature: tuple[tuple[float, float], ...] = ()
    sample: tuple[tuple[float, float], ...] = ()


class Caveat(Struct, frozen=True, kw_only=True):
    """Something that the reader of a number should know, and what to do about it."""

    code: str
    text: str
    advice: str


class Job(Struct, frozen=True, kw_only=True):
    """The whole job, timed as one, and the weights at its end; None for a number that is not finite."""

    seconds: float
    updates: int
    weights: Weights


class Telemetry(Struct, frozen=True, kw_only=True):
    """What a device's counters showed during the blocks of one arm in one round: a value for each block, None if unknown.

    device           the device, in words
    seconds          from the reading before a block to the one after it; its warm-up updates are included
    joules           used in that time; what the device uses when idle is included
    watts, megahertz, celsius
                     right after the block
    held             in how many blocks the clocks were held down, by reason
    idle_watts       used while nothing ran, measured before the race
    step_seconds     how often the energy counter moves
    """

    device: str
    seconds: tuple[float, ...]
    joules: tuple[float | None, ...] = ()
    watts: tuple[float | None, ...] = ()
    megahertz: tuple[float | None, ...] = ()
    celsius: tuple[float | None, ...] = ()
    held: dict[str, int] = {}
    idle_watts: float | None = None
    step_seconds: float | None = None


class Share(Struct, frozen=True, kw_only=True):
    """What one of several processes needs for its own rows of an update, by itself: seconds, for so many rows."""

    rows: int
    seconds: float


class Record(Struct, frozen=True, kw_only=True):
    """What one round measured of one arm. All times in seconds.

    reads_data     of a floor: whether all that it does is to read the data, once an update; None where that was not recorded
    alone          whether it started and built while no other arm did: only then are the next three its own
    forked         whether its process was forked from one that had loaded the framework: then its memory is not its own
    import_seconds, build_seconds, first_seconds
                   loading the framework and the implementation; building; the first update, with any compilation;
                   in forked processes the framework is loaded already
    laps           the numbers of the laps that it took part in, rising
    block_seconds  about how long a block takes, as calibrated; None in older records
    blocks         seconds of each of those laps' block of `updates_per_block` updates
    device_blocks  the same blocks by the device's own clock, where it has one
    telemetry      what the device's counters showed during the blocks, where it has any
    answer         of an arm of a step: the referee's word on it
    patch          of an arm of a step: the lines that make the step what was timed, to be put at the end of its file
    compiler       what was compiled, of an arm of a step
    shares         of an arm of several processes: what each needs for its own rows of an update
    peak_device_bytes
                   the most memory that tensors had on the device at a time; None on the CPU
    drain_seconds  median time a block's work still ran on the device after `advance` had returned
    round_seconds  wall time of the whole round, shared by its records
    records        how many records its round wrote; 0 in older ones
    spent          where the wall time of the round went: {"start": ..., "job": ..., "blocks": ..., "audit": ...}
    """

    format: int = FORMAT
    run: str
    arm: Arm
    round: int
    status: Status
    reason: str = ""
    started: str
    work: Work = "faithful"
    reads_data: bool | None = None
    fingerprint: str = ""
    digest: str = ""
    alone: bool = False
    forked: bool = False
    import_seconds: float | None = None
    build_seconds: float | None = None
    first_seconds: float | None = None
    job: Job | None = None
    judgements: tuple[Judgement, ...] = ()
    updates_per_block: int | None = None
    block_seconds: float | None = None
    laps: tuple[int, ...] = ()
    blocks: tuple[float, ...] = ()
    device_blocks: tuple[float, ...] = ()
    drain_seconds: float | None = None
    peak_resident_bytes: int | None = None
    peak_device_bytes: int | None = None
    answer: Answer | None = None
    patch: str = ""
    shares: tuple[Share, ...] = ()
    compiler: Compiler | None = None
    telemetry: Telemetry | None = None
    caveats: tuple[Caveat, ...] = ()
    variables: dict[str, str] = {}
    round_seconds: float = 0.0
    records: int = 0
    spent: dict[str, float] = {}

    @property
    def per_update(self) -> dict[int, float]:
        """Seconds an update, by lap."""
        return {lap: block / (self.updates_per_block or 1) for lap, block in zip(self.laps, self.blocks, strict=True)}
