"""The profile of an arm, as it is stored: passes, operations, counters, energy, and the roofline of the machine."""

from msgspec import Struct

from bench.results.record import Arm, Status

FORMAT = 1  # a new optional field is no new format: old profiles stay readable, and new ones are readable by old code

# What is counted, and its description in a report. Those with "in all" are of the whole process, the others of one update.
COUNTERS = {
    "operations": "operations dispatched, with those that operations call",
    "host_reads": "numbers that the interpreter read out of a tensor; on a device each waits for it",
    "allocations": "blocks of memory asked of PyTorch's allocator",
    "allocated_bytes": "bytes of these blocks",
    "peak_bytes": "bytes held at most at a time, beyond those held before, over many updates in all",
    "state_bytes": "bytes of the tensors of model and optimizer, in all",
    "python_calls": "calls of Python functions",
    "kernel_launches": "launches asked of the driver: of a kernel, or of a whole CUDA graph",
    "synchronisations": "waits of the host for the device",
    "copies": "copies from, to or on the device",
    "graphs": "graphs compiled, in all",
    "graph_breaks": "breaks of a graph, in all",
    "recompiles": "functions compiled once more, in all",
    "recompiles_in_blocks": "functions compiled while blocks were timed, in all",
    "generated_kernels": "kernels that the compiler wrote, in all",
    "cache_hits": "graphs that the compiler found in its cache, in all",
    "cache_misses": "graphs that it did not find there, in all",
    "cudagraph_skips": "graphs that could not become CUDA graphs, in all",
}


class Operation(Struct, frozen=True, kw_only=True):
    """One kind of operation in PyTorch's profiler.

    name     as PyTorch calls it: "aten::mm", "autograd::engine::evaluate_function: MmBackward0"
    part     of an update: "forward", "backward", "optimizer", "data", "copy", "sync", "compiled", "allocation"
    calls    in an update
    entries  those of them that the interpreter made, and not another operation
    seconds  in an update, without those of the operations it called; measured with the profiler attached
    """

    name: str
    part: str
    calls: float
    entries: float = 0.0
    seconds: float


class ModuleCost(Struct, frozen=True, kw_only=True):
    """What one module of a step's model costs in an update, without the modules inside it.

    module      its path: "blocks.0.attention"; "" for what belongs to no module
    phase       "forward", "backward", "optimizer", or "outside" of all operations: mostly in the interpreter
    seconds     the interpreter's work in the module's own code included; those of all rows add up to an update
    operations  floating point operations of matrix products, convolutions and attention
    bytes       that its operations read and write, each operand once
    """

    module: str
    phase: str
    seconds: float
    operations: float = 0.0
    bytes: float = 0.0


class PatternSeen(Struct, frozen=True, kw_only=True):
    """What PyTorch's own pattern finder saw in the updates of an arm.

    name    as PyTorch calls it: "Optimizer Single Tensor Pattern"
    advice  its own
    times   in an update
    saves   seconds an update that it predicts by a benchmark of its own; None where it has none
    """

    name: str
    advice: str
    times: float
    saves: float | None = None


class Pass(Struct, frozen=True, kw_only=True):
    """What one process measured of an arm at one size. All times in seconds an update.

    rows, batch  its size
    seconds      by the clock, without a profiler: the median of blocks that alternate with those of other arms, as in a race
    profiled     by the clock, with PyTorch's profiler attached: the lower quartile of sessions; None if it was not possible
    outside      of `profiled`, the time in which the calling thread was in no operation: mostly in the interpreter
    events       operations that the profiler recorded in an update; each takes it some time
    device       time in which a device other than the host was busy; None without one
    operations   those that took longest, and "everything else"
    """

    rows: int
    batch: int
    seconds: float
    profiled: float | None = None
    outside: float | None = None
    events: float = 0.0
    device: float | None = None
    operations: tuple[Operation, ...] = ()


class Energy(Struct, frozen=True, kw_only=True):
    """The energy of an update by the device's own counter, above what the device uses when idle.

    device      the device, in words
    joules      of an update; below 0 only by noise
    resolution  how far `joules` may be off, because the counter moves in steps
    seconds     that were measured; the more, the better the resolution
    idle_watts  that were subtracted
    """

    device: str
    joules: float
    resolution: float
    seconds: float
    idle_watts: float


class Profile(Struct, frozen=True, kw_only=True):
    """What was measured of one arm by profiling it, in processes that do not race.

    full        at the arm's own setting
    tiny        with almost no data: the cost of an update that does not depend on its size
    drawn       processes started for `full`, until one ran about as fast as in the race
    energy      of an update at full size; None where the device has no energy counter, or one that moves too rarely
    counters    quantities without noise, by the names in COUNTERS; of an update unless the description there says otherwise
    conditions  what its process computed with: {"dtype": "float32", "threads": "1", ...}
    breaks      why the compiler gave up, each reason once
    stacks      number of samples by stack of Python functions, outermost first, joined by ";", as py-spy writes them;
                the most frequent ones
    modules     of a step: what its modules cost, forward and backward
    patterns    of a plain step: what PyTorch's pattern finder saw; None where it was not asked
    slowdown    how many times as long an update took while py-spy sampled it
    reasons     what could not be done, and why: {"py-spy": "..."}
    artifacts   the files beside this one, each with its description
    """

    format: int = FORMAT
    run: str
    arm: Arm
    status: Status
    reason: str = ""
    full: Pass | None = None
    tiny: Pass | None = None
    drawn: int = 1
    energy: Energy | None = None
    counters: dict[str, float] = {}
    conditions: dict[str, str] = {}
    breaks: tuple[str, ...] = ()
    stacks: dict[str, int] = {}
    modules: tuple[ModuleCost, ...] = ()
    patterns: tuple[PatternSeen, ...] | None = None
    slowdown: float | None = None
    peak_resident_bytes: int | None = None
    peak_device_bytes: int | None = None
    reasons: dict[str, str] = {}
    artifacts: dict[str, str] = {}


class Machine(Struct, frozen=True, kw_only=True):
    """The roofline of a race's cores: the most that they can do, measured in the same minute.

    read_bandwidth   bytes a second, read from memory of the size of the arm's data by the same number of threads
    operations       float additions and multiplications a second on data in the first-level cache
    working_set      bytes over which the bandwidth was measured
    method           the reader: "C", or "torch" where that was faster
    """

    read_bandwidth: float
    operations: float
    working_set: int
    method: str = "C"
