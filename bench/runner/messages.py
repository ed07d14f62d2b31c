"""The messages between the main process and a worker: one Struct for each command and each answer, one line of JSON each.

The main process sends commands; a worker sends any number of `Step` and then either the answer of the command or a
`Fault`, after which it ends. Both sides decode by type, so a document that is no such message is an error at once.

To add a command: write its answer, write the command with that answer in brackets, add both to the unions below, and
add a case where the worker matches on commands.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Generic, Literal, TypeVar, get_args

import msgspec
from msgspec import Struct

from bench.results import record
from bench.results.examined import Examined
from bench.results.profile import Machine, Operation
from bench.results.record import Arm
from impls.contract import Work

FaultStatus = Literal["unsupported", "unavailable", "failed", "out_of_memory"]


class Answer(Struct, frozen=True, kw_only=True, tag=True):
    """Anything that a worker sends."""


A = TypeVar("A", bound=Answer)


class Command(Struct, Generic[A], frozen=True, kw_only=True, tag=True):
    """Anything that a worker is asked to do; the type in brackets is that of its answer.

    words  what it is called where an arm ends or takes too long meanwhile: "killed by SIGSEGV during a block"
    """

    words: ClassVar[str]

    @classmethod
    def answer_type(cls) -> type[A]:
        """The type in the brackets of the class."""
        base = next(base for base in cls.__orig_bases__ if get_args(base))  # type: ignore[attr-defined]
        kind: type[A] = get_args(base)[0]
        return kind


# What a worker may send before the answer, or instead of it.


class Step(Answer, frozen=True, kw_only=True):
    """What the worker does next; the time limit starts anew."""

    name: str


class Fault(Answer, frozen=True, kw_only=True):
    """Why the arm has ended, as its row shows it."""

    status: FaultStatus
    reason: str


class Done(Answer, frozen=True, kw_only=True):
    """The command has been carried out; there is nothing else to say."""


# A round of a race.


class ArmWeights(Struct, frozen=True, kw_only=True):
    """The weights of an arm, as they are verified.

    when     "first update", "probe", "job", "blocks" or "check"
    updates  made since the start
    weights  numbers in nested lists, by name; None for what is not finite. Empty where the weights are not on the
             device of the setting
    devices  that the weights are on
    dtypes   that they have
    """

    when: str
    updates: int
    weights: dict[str, Any]
    devices: tuple[str, ...]
    dtypes: tuple[str, ...]


class Prepared(Answer, frozen=True, kw_only=True):
    """An arm is built and has made its first updates. All times in seconds.

    import_seconds   loading the framework and the implementation
    build_seconds    the implementation's constructor
    first_seconds    the first update, with any compilation
    weights          after the first update and after the probe
    reads_data       of a floor: whether all that it does is to read the data, once an update
    in_a_window      whether a watched arm draws in a window on the screen
    own_tolerance    relative, of an implementation that is approximate by nature; None for all others
    patch            of an arm of a step: the lines that make the step what is timed
    loaded_compiler  whether `fork_server.LATER` is loaded, which a server could have loaded before
    """

    import_seconds: float
    build_seconds: float
    first_seconds: float
    weights: tuple[ArmWeights, ...]
    work: Work
    reads_data: bool = False
    fingerprint: str
    digest: str
    in_a_window: bool = False
    own_tolerance: float | None = None
    patch: str = ""
    loaded_compiler: bool = False


class Prepare(Command[Prepared], frozen=True, kw_only=True):
    """Import and build an arm, and make its first updates.

    setting  the fields of a Setting: the worker's own class checks them, and may be of another revision
    cores    of the race; the worker runs on them from its first block on
    probe    number of updates after which the weights are verified once more
    live     whether drawing may open a window
    file     the step's file where the arm is one of a step, else ""
    """

    words = "start"
    file: str = ""
    workload: str
    implementation: str
    setting: dict[str, Any]
    cores: tuple[int, ...]
    probe: int
    live: bool = False


class Observe(Command[Done], frozen=True, kw_only=True):
    """Make two updates of the timed object of a step, write what they did to a file for the judge, and go back."""

    words = "the updates that are judged"
    target: str


class Reset(Command[Done], frozen=True, kw_only=True):
    """Go back to the start."""

    words = "a reset"


class BlockTimed(Answer, frozen=True, kw_only=True):
    """Seconds of a block, and by the device's own clock where it has one."""

    seconds: float
    device_seconds: float | None = None


class TimeBlock(Command[BlockTimed], frozen=True, kw_only=True):
    """Make `warm_up` updates that are not timed, then time the next `updates`."""

    words = "a block"
    updates: int
    warm_up: int = 0


class JobDone(Answer, frozen=True, kw_only=True):
    """The whole job has been done from the start: its seconds, and the weights that it ended with."""

    seconds: float
    weights: ArmWeights


class RunJob(Command[JobDone], frozen=True, kw_only=True):
    """Do the whole job from the start, timed as one block.

    picture  file for the frames of a drawing arm, written after the clock has stopped
    """

    words = "the whole job"
    picture: str | None = None


class Finished(Answer, frozen=True, kw_only=True):
    """The weights after all blocks, and what the arm did meanwhile.

    changed_flags        global settings of torch that are no longer what they were, one sentence each
    waited               share of the timed seconds in which the arm had no processor; 0 where other processes help it
    page_faults          pages of memory that the kernel gave the process, an update
    drain_seconds        median time for which the device still worked after `advance` had returned
    grown                what a steady loop does not add to, since the first block: see `device.footprint`
    peak_resident_bytes  the most memory that the process has had
    compiler             of an arm of a step: what was compiled
    """

    weights: ArmWeights | None = None
    changed_flags: tuple[str, ...] = ()
    waited: float = 0.0
    page_faults: float = 0.0
    drain_seconds: float = 0.0
    grown: dict[str, int] = {}
    peak_resident_bytes: int = 0
    peak_device_bytes: int | None = None
    compiler: record.Compiler | None = None


class Finish(Command[Finished], frozen=True, kw_only=True):
    """Say what became of the arm, `updates` updates after the last reset."""

    words = "the end of the round"
    updates: int


# Probes: what is looked at beside the races.


class Clocked(Answer, frozen=True, kw_only=True):
    """Blocks like those of a race, of a process that has done nothing else.

    seconds     an update
    updates     in a block
    recompiles  functions compiled meanwhile
    conditions  what the arm computed with: {"dtype": "float32", "threads": "1", ...}
    """

    seconds: float
    updates: int
    recompiles: int
    peak_resident_bytes: int
    peak_device_bytes: int | None
    conditions: dict[str, str]


class Clock(Command[Clocked], frozen=True, kw_only=True):
    """Time blocks of at most `most` updates; None: as many as the worker allows."""

    words = "profiling (blocks)"
    most: int | None = None


class Counted(Answer, frozen=True, kw_only=True):
    """Counters of an update, by the names in `results.profile.COUNTERS`."""

    counters: dict[str, float]


class Count(Command[Counted], frozen=True, kw_only=True):
    """Count operations, memory and what is asked of the device.

    seconds  about how long an update takes
    updates  to count, a power of two; 0: a few
    """

    words = "profiling (counters)"
    seconds: float
    updates: int = 0


class CountCalls(Command[Counted], frozen=True, kw_only=True):
    """Count calls of Python functions, with the same fields as `Count`. Last: what watches calls also changes them."""

    words = "profiling (calls)"
    seconds: float
    updates: int = 0


class RecordSession(Command[Done], frozen=True, kw_only=True):
    """Make one session of PyTorch's profiler, and keep it; `seconds` is about how long an update takes."""

    words = "profiling (PyTorch's profiler)"
    seconds: float


class Summary(Answer, frozen=True, kw_only=True):
    """What PyTorch's profiler saw; the fields are those of `results.profile.Pass`."""

    profiled: float
    outside: float
    events: float
    device: float | None
    operations: tuple[Operation, ...]


class SummariseSessions(Command[Summary], frozen=True, kw_only=True):
    """Read the session of the lower quartile, and forget all of them."""

    words = "profiling (PyTorch's profiler)"


class Traced(Answer, frozen=True, kw_only=True):
    """A trace has been written; or why not."""

    missing: str | None = None


class Trace(Command[Traced], frozen=True, kw_only=True):
    """Write a Chrome trace of a few updates; `seconds` is about how long an update takes."""

    words = "profiling (trace)"
    seconds: float
    target: str


class Compiled(Answer, frozen=True, kw_only=True):
    """What torch.compile has done in the process so far.

    counters      by the names in `results.profile.COUNTERS`
    breaks        why graphs broke, each reason once
    compilations  functions compiled
    """

    counters: dict[str, int]
    breaks: tuple[str, ...]
    compilations: int


class ReadCompiler(Command[Compiled], frozen=True, kw_only=True):
    """Say what torch.compile has done so far."""

    words = "profiling (compiler)"


class Repeated(Answer, frozen=True, kw_only=True):
    """Seconds of an update, and how many updates were made."""

    seconds: float
    updates: int


class Repeat(Command[Repeated], frozen=True, kw_only=True):
    """Make blocks of so many updates for so many seconds, and let the main process's children look into this process."""

    words = "profiling (repeated blocks)"
    updates: int
    seconds: float


class MachineMeasured(Answer, frozen=True, kw_only=True):
    """What the cores can do at most."""

    machine: Machine


class MeasureMachine(Command[MachineMeasured], frozen=True, kw_only=True):
    """Measure what these cores can do at most, over so many bytes; for a worker that has prepared no arm."""

    words = "the measuring of the machine"
    cores: tuple[int, ...]
    threads: int
    working_set: int
    device: str


# The judge of steps, in a process of its own.


class JudgePrepared(Answer, frozen=True, kw_only=True):
    """What the step is like; answers of its arms can be judged now."""

    examined: Examined


class PrepareJudge(Command[JudgePrepared], frozen=True, kw_only=True):
    """Examine a step, and compute the truth of two of its updates and what rounding explains.

    members  of the ensemble; 0: only examine
    """

    words = "the examination of the step"
    workload: str
    file: str
    setting: dict[str, Any]
    cores: tuple[int, ...]
    members: int = 19


class Judged(Answer, frozen=True, kw_only=True):
    """The word on an arm's answer."""

    answer: record.Answer


class Judge(Command[Judged], frozen=True, kw_only=True):
    """Judge what an arm's two updates did; the files are removed once they are read.

    observation         file that the arm's worker wrote
    observation_float64 file of the same arm in float64; "" where there is none in this round
    no_float64          why there is none: "" where an earlier round has judged one, whose figures count on
    """

    words = "the judging of an answer"
    implementation: str
    observation: str
    observation_float64: str = ""
    no_float64: str = ""


Probe = Clock | Count | CountCalls | RecordSession | SummariseSessions | Trace | ReadCompiler | Repeat
AnyCommand = Prepare | Observe | Reset | TimeBlock | RunJob | Finish | Probe | MeasureMachine
ProbeAnswer = Clocked | Counted | Done | Summary | Traced | Compiled | Repeated
AnyAnswer = (
    Step
    | Fault
    | Done
    | Prepared
    | BlockTimed
    | JobDone
    | Finished
    | ProbeAnswer
    | MachineMeasured
    | JudgePrepared
    | Judged
)
JudgeCommand = PrepareJudge | Judge

_commands: msgspec.json.Decoder[AnyCommand] = msgspec.json.Decoder(AnyCommand)
_judge_commands: msgspec.json.Decoder[JudgeCommand] = msgspec.json.Decoder(JudgeCommand)
_answers: msgspec.json.Decoder[AnyAnswer] = msgspec.json.Decoder(AnyAnswer)


def prepare(arm: Arm, *, cores: Sequence[int], probe: int, live: bool = False) -> Prepare:
    """The command that makes a worker prepare an arm."""
    return Prepare(
        workload=arm.workload,
        implementation=arm.implementation,
        setting=msgspec.to_builtins(arm.setting),
        cores=tuple(cores),
        probe=probe,
        live=live,
    )


def encoded(message: Command[Any] | Answer) -> bytes:
    """A message as one line."""
    return msgspec.json.encode(message) + b"\n"


def command(line: bytes) -> AnyCommand:
    """The command in a line. Raises msgspec.DecodeError where there is none."""
    return _commands.decode(line)


def judge_command(line: bytes) -> JudgeCommand:
    """The command to a judge in a line. Raises msgspec.DecodeError where there is none."""
    return _judge_commands.decode(line)


def answer(line: bytes) -> AnyAnswer:
    """The answer in a line. Raises msgspec.DecodeError where there is none."""
    return _answers.decode(line)
