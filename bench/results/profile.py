"""What a profile of an arm holds: typed and torch-free, for reports read it. Apart from records: nothing here was raced."""

from msgspec import Struct

from bench.results.record import Arm, Status

FORMAT = 1  # what may be missing is no new format: older profiles are read, and newer ones by older code

# What is counted, and how a report says it. Those that say "in all" are of the whole process, the others of one update.
COUNTERS = {
    "operations": "operations dispatched, with those that operations call",
    "host_reads": "numbers that the interpreter read out of a tensor; on a device each waits for it",
    "allocations": "blocks of memory asked of PyTorch's allocator",
    "allocated_bytes": "bytes of these blocks",
    "peak_bytes": "bytes held at most at a time, beyond those held before, over many updates in all",
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
    """One kind of operation that PyTorch's profiler saw.

    name     as PyTorch calls it: "aten::mm", "autograd::engine::evaluate_function: MmBackward0"
    part     where it belongs: "forward", "backward", "optimizer", "data", "copy", "sync", "compiled", "allocation"
    calls    an update
    entries  those of them that no other operation made: the interpreter did
    seconds  an update, without those of the operations it called; measured with the profiler attached
    """

    name: str
    part: str
    calls: float
    entries: float = 0.0
    seconds: float


class Pass(Struct, frozen=True, kw_only=True):
    """What one process saw of an arm at one size. All times in seconds an update.

    rows, batch  its size
    seconds      by the clock, with nothing attached: the median of blocks made in turn with those of other arms, as in a race
    profiled     by the clock, with PyTorch's profiler attached: the lower quartile of sessions; None where it was not possible
    outside      of `profiled`, the time in which the calling thread was in no operation: the interpreter, mostly
    events       operations an update that the profiler noted; each of them costs it some time
    device       time an update in which a device other than the host was busy; None without one
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
    """What an update costs a device by its own energy counter, above what it draws when it has nothing to do.

    device      what was measured, in words
    joules      an update; below 0 by noise only
    resolution  how far that may be off, in joules an update, for the counter moves in steps
    seconds     that were measured; the more, the better the resolution
    idle_watts  that were taken off
    """

    device: str
    joules: float
    resolution: float
    seconds: float
    idle_watts: float


class Profile(Struct, frozen=True, kw_only=True):
    """What was found out about one arm in passes of their own.

    full        at the arm's own setting
    tiny        the same arm with next to no data: what is left is what an update costs whatever its size
    drawn       processes started for `full`, until one ran about as fast as its like in the race
    energy      of an update at full size; None where the device has no energy counter, or one that moves too rarely
    counters    quantities without noise, by the names in COUNTERS; an update unless it says otherwise there
    conditions  what it computed with, as found in its process: {"dtype": "float32", "threads": "1", ...}
    breaks      why the compiler gave up, each reason once
    stacks      samples by stack of Python functions, outermost first, joined by ";": py-spy's folded form; the most frequent
    slowdown    times as long an update took while py-spy looked
    reasons     what could not be done, and why: {"py-spy": "..."}
    artifacts   files beside this one, each with what it is
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
    slowdown: float | None = None
    peak_resident_bytes: int | None = None
    peak_device_bytes: int | None = None
    reasons: dict[str, str] = {}
    artifacts: dict[str, str] = {}


class Machine(Struct, frozen=True, kw_only=True):
    """What the cores of a race can do at most, measured in the same minute: the roofline.

    read_bandwidth   bytes a second read from where the arm's data lie, by the same number of threads
    operations       float additions and multiplications a second on data in the first-level cache
    working_set      bytes that the bandwidth was measured over
    method           by what it was read: "C", or "torch" where that was faster
    """

    read_bandwidth: float
    operations: float
    working_set: int
    method: str = "C"
