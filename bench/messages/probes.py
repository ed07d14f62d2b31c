"""The messages of the probes: what is looked at beside the races, and what a machine can do at most."""

from bench.messages.protocol import Answer, Command, Done
from bench.results.profile import Machine, ModuleCost, Operation, PatternSeen


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


class ModulesSeen(Answer, frozen=True, kw_only=True):
    """What the modules of a step cost; or why that is not known."""

    modules: tuple[ModuleCost, ...] = ()
    missing: str | None = None


class LookIntoModules(Command[ModulesSeen], frozen=True, kw_only=True):
    """Find what each module of a step costs; `seconds` is about how long an update takes."""

    words = "profiling (modules)"
    seconds: float


class PatternsSeen(Answer, frozen=True, kw_only=True):
    """What PyTorch's pattern finder saw; or why it saw nothing."""

    patterns: tuple[PatternSeen, ...] = ()
    missing: str | None = None


class FindPatterns(Command[PatternsSeen], frozen=True, kw_only=True):
    """Ask PyTorch's pattern finder about a few updates."""

    words = "profiling (pattern finder)"


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


Probe = (
    Clock
    | Count
    | CountCalls
    | RecordSession
    | SummariseSessions
    | Trace
    | LookIntoModules
    | FindPatterns
    | ReadCompiler
    | Repeat
)
ProbeAnswer = Clocked | Counted | Done | Summary | Traced | ModulesSeen | PatternsSeen | Compiled | Repeated
