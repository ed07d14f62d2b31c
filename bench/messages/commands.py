"""The messages between the main process and a worker: one Struct for each command and each answer, one line of JSON each.

The main process sends commands; a worker sends any number of `Step` and then either the answer of the command or a
`Fault`, after which it ends. Both sides decode by type, so a document that is no such message is an error at once.

To add a command: write its answer, write the command with that answer in brackets, add both to the unions below, and
add a case where the worker matches on commands.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from bench.messages.diagnosis import Diagnosed
from bench.messages.probes import MachineMeasured, MeasureMachine, Probe, ProbeAnswer
from bench.messages.protocol import Answer, Command, Done, Fault
from bench.results import record
from bench.results.examined import Examined
from bench.results.record import Arm
from impls.contract import Work
from impls.contract.setting import Setting

# An arm's own clock says them: one that was replaced may say anything, and records hold times only.
Seconds = Annotated[float, Meta(ge=0)]
SomeSeconds = Annotated[float, Meta(gt=0)]

# What a worker may send before the answer, or instead of it.


class Step(Answer, frozen=True, kw_only=True):
    """What the worker does next; the time limit starts anew."""

    name: str


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
    loaded           installed modules that it has loaded since it began, which a server could have loaded before
    """

    import_seconds: Seconds
    build_seconds: Seconds
    first_seconds: Seconds
    weights: tuple[ArmWeights, ...]
    work: Work
    reads_data: bool = False
    fingerprint: str
    digest: str
    in_a_window: bool = False
    own_tolerance: float | None = None
    patch: str = ""
    loaded: tuple[str, ...] = ()


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


class Audited(Answer, frozen=True, kw_only=True):
    """An update of the timed object has been observed in the middle of its race, so many updates after its start."""

    updates: int


class Audit(Command[Audited], frozen=True, kw_only=True):
    """Make two updates of the timed object of a step from where it is, write what they did for the judge, and go back there.

    target   of the file: what they did, and the state that they began with
    updates  that the object is to have made since its start; it makes those that are missing, as long as the time allows
    seconds  that may take
    """

    words = "the updates that are judged in the middle of the race"
    target: str
    updates: int = 0
    seconds: float = 0.0


class Draw(Command[Done], frozen=True, kw_only=True):
    """Make updates of the timed object of a step over many seeds, write them to a file for the judge, and go back."""

    words = "the updates that show what is drawn"
    target: str


class Reset(Command[Done], frozen=True, kw_only=True):
    """Go back to the start."""

    words = "a reset"


class BlockTimed(Answer, frozen=True, kw_only=True):
    """Seconds of a block, and by the device's own clock where it has one."""

    seconds: SomeSeconds
    device_seconds: Seconds | None = None


class TimeBlock(Command[BlockTimed], frozen=True, kw_only=True):
    """Make `warm_up` updates that are not timed, then time the next `updates`."""

    words = "a block"
    updates: int
    warm_up: int = 0


class ReadOff(Answer, frozen=True, kw_only=True):
    """Seconds that reading the weights took, and reading them again, when nothing had been done between."""

    seconds: Seconds
    again: Seconds


class ReadWeights(Command[ReadOff], frozen=True, kw_only=True):
    """Read the weights of an arm of an exact workload twice: an honest arm takes as long for the second as for the first."""

    words = "the reading of its weights"


class JobDone(Answer, frozen=True, kw_only=True):
    """The whole job has been done from the start: its seconds, and the weights that it ended with."""

    seconds: SomeSeconds
    weights: ArmWeights


class PhasesTimed(Answer, frozen=True, kw_only=True):
    """Seconds of each phase of the updates of a block; empty where the arm shows none."""

    seconds: dict[str, float]


class TimePhases(Command[PhasesTimed], frozen=True, kw_only=True):
    """Like TimeBlock, of an arm of a step, with the clock read between the phases of each update."""

    words = "a block that is timed by phases"
    updates: int
    warm_up: int = 0


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
    between              seconds for which its own threads had a processor between two of its blocks, on average
    cores                that its threads may run on and that it was not given
    skipped              updates of blocks in which a gradient scaler did not let the optimizer step, at least
    shares               of an arm of several processes: what each needs for its own rows of an update
    """

    weights: ArmWeights | None = None
    changed_flags: tuple[str, ...] = ()
    waited: float = 0.0
    page_faults: float = 0.0
    drain_seconds: float = 0.0
    grown: dict[str, int] = msgspec.field(default_factory=dict)
    peak_resident_bytes: int = 0
    peak_device_bytes: int | None = None
    compiler: record.Compiler | None = None
    between: float = 0.0
    cores: tuple[int, ...] = ()
    skipped: int = 0
    shares: tuple[record.Share, ...] = ()


class Finish(Command[Finished], frozen=True, kw_only=True):
    """Say what became of the arm, `updates` updates after the last reset."""

    words = "the end of the round"
    updates: int


# The judge of steps, in a process of its own.


class JudgePrepared(Answer, frozen=True, kw_only=True):
    """What the step is like; answers of its arms can be judged now.

    not_carried  why no arm can be judged in the state that its race has reached; "" where they can
    """

    examined: Examined
    not_carried: str = ""


class PrepareJudge(Command[JudgePrepared], frozen=True, kw_only=True):
    """Examine a step, and compute the truth of two of its updates and what rounding explains.

    members  of the ensemble; 0: only examine
    kept     folder of the ensembles that were made before; "": none are kept
    revised  whether the arms are of another revision of the step than this file
    """

    words = "the examination of the step"
    workload: str
    file: str
    setting: dict[str, Any]
    cores: tuple[int, ...]
    members: int = 19
    kept: str = ""
    revised: bool = False


class Judged(Answer, frozen=True, kw_only=True):
    """The word on an arm's answer."""

    answer: record.Answer


class Judge(Command[Judged], frozen=True, kw_only=True):
    """Judge what an arm's two updates did; the files are removed once they are read.

    observation         file that the arm's worker wrote
    observation_float64 file of the same arm in float64; "" where there is none in this round
    no_float64          why there is none: "" where an earlier round has judged one, whose figures count on
    audit               whether it was observed by Audit; it has been judged from the start before
    drawn               file of what the arm draws; "" where that was not asked for
    """

    words = "the judging of an answer"
    implementation: str
    observation: str
    observation_float64: str = ""
    no_float64: str = ""
    audit: bool = False
    drawn: str = ""


AnyCommand = (
    Prepare
    | Observe
    | Audit
    | Draw
    | Reset
    | TimeBlock
    | TimePhases
    | ReadWeights
    | RunJob
    | Finish
    | Probe
    | MeasureMachine
)
AnyAnswer = (
    Step
    | Fault
    | Done
    | Prepared
    | Audited
    | BlockTimed
    | PhasesTimed
    | ReadOff
    | JobDone
    | Finished
    | ProbeAnswer
    | MachineMeasured
    | JudgePrepared
    | Judged
    | Diagnosed
)
JudgeCommand = PrepareJudge | Judge

_commands: msgspec.json.Decoder[AnyCommand] = msgspec.json.Decoder(AnyCommand)
_judge_commands: msgspec.json.Decoder[JudgeCommand] = msgspec.json.Decoder(JudgeCommand)
_answers: msgspec.json.Decoder[AnyAnswer] = msgspec.json.Decoder(AnyAnswer)


def prepare(arm: Arm, *, cores: Sequence[int], probe: int, live: bool = False, file: str = "") -> Prepare:
    """The command that makes a worker prepare an arm."""
    return Prepare(
        file=file,
        workload=arm.workload,
        implementation=arm.implementation,
        setting=msgspec.to_builtins(arm.setting),
        cores=tuple(cores),
        probe=probe,
        live=live,
    )


def prepare_judge(
    arm: Arm, *, file: str, cores: Sequence[int], members: int, kept: str = "", revised: bool = False
) -> PrepareJudge:
    """The command that makes a judge examine the step of an arm."""
    setting = msgspec.to_builtins(arm.setting)
    return PrepareJudge(
        workload=arm.workload,
        file=file,
        setting=setting,
        cores=tuple(cores),
        members=members,
        kept=kept,
        revised=revised,
    )


def setting_of(fields: Mapping[str, Any]) -> Setting:
    """The setting that a command carries as plain values."""
    return msgspec.convert(fields, Setting)


def command(line: bytes) -> AnyCommand:
    """The command in a line. Raises msgspec.DecodeError where there is none."""
    return _commands.decode(line)


def judge_command(line: bytes) -> JudgeCommand:
    """The command to a judge in a line. Raises msgspec.DecodeError where there is none."""
    return _judge_commands.decode(line)


def answer(line: bytes) -> AnyAnswer:
    """The answer in a line. Raises msgspec.DecodeError where there is none."""
    return _answers.decode(line)
