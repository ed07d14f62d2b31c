"""The two passes in which an arm is profiled: what its workers are asked, and what the profile keeps of the answers.

    full   the arm as it is
    tiny   the same arm with next to no data

What is left of an update with next to no data is what it costs whatever its size. Each pass has a worker of its own.

Blocks are timed lap by lap, those of both passes and of other arms in turn, as in a race: so all of them meet the same
machine, and find the caches as a race leaves them. Sessions of PyTorch's profiler take turns in the same way, because a
slow moment of the machine would otherwise spoil all sessions of one arm. Everything else is done arm by arm.
"""

import dataclasses
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Literal

from msgspec.structs import asdict, replace

from bench import clock
from bench.messages.commands import Prepared, Reset, TimeBlock
from bench.messages.probes import (
    Clock,
    Count,
    CountCalls,
    FindPatterns,
    LookIntoModules,
    ReadCompiler,
    RecordSession,
    Repeat,
    Repeated,
    SummariseSessions,
    Trace,
)
from bench.processes.worker_process import ArmFault, Worker
from bench.profiler import flame_graph
from bench.profiler.py_spy import Sampler, SamplingError
from bench.results.profile import Pass, Profile
from bench.results.record import Arm
from bench.results.statistics import Estimate
from bench.results.store import Store
from bench.runner.block import MOST_ALGORITHMIC, Block, calibrated
from bench.runner.laps import BLOCK_SECONDS
from bench.system.telemetry import Gauge, spent
from impls.contract import catalogue
from impls.contract.setting import Setting, SettingError

PassName = Literal["full", "tiny"]
PASSES: tuple[PassName, ...] = ("full", "tiny")
FEWEST_LAPS, MOST_LAPS, LAP_SECONDS = 3, 72, 0.35  # enough are as many as take so long together, within these
SESSIONS = 7  # of PyTorch's profiler, for each pass
SAMPLED_SECONDS = 2.0  # for which py-spy samples
MARGIN, BARE_SECONDS = 0.3, 0.2  # for py-spy to start and end; for blocks without it, before and after
TINY_ROWS, TINY_BATCH = 2, 2
ROWS_OF_STEPS = ("batch", "rows")  # parameters of a step that are the rows of an update
LEAST_SHRUNK = 4  # rows of a step, from which fewer of them tell what they cost
MOST_STACKS = 200  # in the profile; the file beside it has all
START = Block(1, 1.0)  # until it is known
UNLIKE = 0.05  # how far beyond the race's interval a process is no longer like those that were raced


@dataclass
class ProfileDraft:
    """The profile of an arm, as far as it has come; `folder` is where the files beside it go."""

    profile: Profile
    folder: Path

    def keep(self, **fields: Any) -> None:
        """Sets fields of the profile."""
        self.profile = replace(self.profile, **fields)

    def keep_counters(self, counters: dict[str, float]) -> None:
        """Adds counters."""
        self.keep(counters=self.profile.counters | counters)

    def keep_file(self, name: str, description: str) -> None:
        """Adds a file that lies beside the profile."""
        self.keep(artifacts=self.profile.artifacts | {name: description})

    def lack(self, what: str, reason: str) -> None:
        """Says why something is missing."""
        self.keep(reasons=self.profile.reasons | {what: reason})


@dataclass
class PassRun:
    """One pass of an arm: its worker, and what has been measured so far; `live` until the worker ends."""

    draft: ProfileDraft
    name: PassName
    setting: Setting
    worker: Worker
    prepared: Prepared | None = None
    block: Block = START
    compilations: int = 0  # before the blocks
    blocks: list[float] = field(default_factory=list)
    live: bool = True

    def attempt(self, act: Callable[["PassRun"], None]) -> None:
        """Does it if there still is a worker. The profile says how the first pass ended; the second is only missing.

        An arm that hangs is not tried again.
        """
        if self.live and self.draft.profile.status == "timeout":
            self.live = False
            self.worker.kill()  # it may be spinning, too, on any core
        if not self.live:
            return
        try:
            act(self)
        except ArmFault as fault:
            self.live = False
            self.worker.kill()
            if self.name == "full":
                self.draft.keep(status=fault.status, reason=fault.reason)
            else:
                self.draft.lack(self.name, fault.reason)

    @property
    def timed(self) -> Pass:
        """What the profile has of this pass; once it has been timed."""
        timed: Pass | None = getattr(self.draft.profile, self.name)
        assert timed is not None
        return timed

    @property
    def needs_laps(self) -> bool:
        """Whether it has had too few laps. Short blocks get the most, because they vary most with the caches they find."""
        enough = FEWEST_LAPS if sum(self.blocks) >= LAP_SECONDS else MOST_LAPS
        return self.live and len(self.blocks) < enough

    @property
    def slow(self) -> bool:
        """Whether its blocks hold the others up."""
        return self.block.seconds > 2 * BLOCK_SECONDS

    @property
    def may_compile(self) -> bool:
        """Whether something may be compiled: a step may compile whatever it wants."""
        return self.setting.is_step or self.setting.mode != "eager"

    @property
    def algorithmic(self) -> bool:
        """Whether the arm may make any number of updates in no time."""
        return self.prepared is not None and self.prepared.work == "algorithmic"

    @property
    def seconds(self) -> float:
        """Of an update: the median of its blocks, as in a round of a race."""
        return median(self.blocks) / self.block.updates


def setting_for(name: PassName, arm: Arm) -> Setting:
    """The setting of a pass. Raises SettingError for next to no data where nothing says what the size of the data is."""
    if name == "full":
        return arm.setting
    if arm.setting.is_step:
        return _with_little_data(arm.setting)
    batch = arm.setting.batch
    size = {"rows": TINY_ROWS} if batch == "full" else {"rows": 2 * TINY_BATCH, "batch": min(batch, TINY_BATCH)}
    return catalogue.workloads()[arm.workload].setting(**vars(arm.setting) | size)


def size_parameter(setting: Setting) -> tuple[str, int] | None:
    """The parameter of a step that is the number of rows an update reads, by its name, and its value; None without one."""
    named = setting.named
    return next(((name, value) for name in ROWS_OF_STEPS if type(value := named.get(name)) is int), None)


def _with_little_data(setting: Setting) -> Setting:
    """A step's setting with two rows: of a single one, some steps make other operations. Raises SettingError without them."""
    size = size_parameter(setting)
    if size is None or size[1] < LEAST_SHRUNK:
        raise SettingError(
            "its cost with next to no data is not known: looprace finds it by a smaller `batch` or `rows`, which must be a "
            f"parameter of the step of at least {LEAST_SHRUNK}, as in `def batches(seed, batch=64)`"
        )
    name = size[0]
    return dataclasses.replace(setting, parameters=tuple(sorted((setting.named | {name: TINY_BATCH}).items())))


def time_together(passes: Sequence[PassRun], order: random.Random, pause: float) -> None:
    """Times blocks of all passes as in a race: lap by lap, in random order, each after untimed updates of its own.

    pause  seconds before each block, in which the threads of the others fall asleep

    Do this first: where an arm's memory lies depends on what its process has done before, and its time by a fifth and more
    depends on that.
    """
    for one in passes:
        if not one.blocks:  # those that were timed in an earlier call only keep the others company
            one.attempt(partial(_start, pause=pause))
    while any(one.needs_laps for one in passes):
        # those that have had enough go on, because the others are to find caches that somebody else has used
        racing = [one for one in passes if one.live and (one.needs_laps or not one.slow)]
        _lap(racing, order, pause, _sample)
    for one in passes:
        if one.live:
            setting = one.setting
            size = size_parameter(setting) if setting.is_step else None
            rows, batch = (size[1], size[1]) if size else (setting.rows, setting.batch_rows)
            one.draft.keep(**{one.name: Pass(rows=rows, batch=batch, seconds=one.seconds)})


def unlike(one: PassRun, raced: Estimate | None) -> bool:
    """Whether a process is slower or faster than those of the same arm in the race.

    Where memory lies is chance in each process, and worth a sixth of an update's time.

    raced  seconds of an update in the race; None where it left no time
    """
    if not one.live or one.name != "full" or raced is None or raced.low is None or raced.high is None:
        return False
    return not raced.low * (1 - UNLIKE) <= one.seconds <= raced.high * (1 + UNLIKE)


def _lap(passes: Sequence[PassRun], order: random.Random, pause: float, act: Callable[[PassRun], None]) -> None:
    """Does it with each of them once, in random order."""
    for one in order.sample(passes, len(passes)):
        clock.pause(pause)
        one.attempt(act)


def _start(one: PassRun, pause: float) -> None:
    """Goes back to the start, with blocks of a known length to come."""
    work = "algorithmic" if one.algorithmic else ""
    one.block = calibrated(one.worker.ask, BLOCK_SECONDS, pause, work=work) or one.block
    one.compilations = one.worker.ask(ReadCompiler()).compilations if one.may_compile else 0
    one.worker.ask(Reset())
    _sample(one)
    one.blocks.clear()  # lap 0 is not recorded


def _sample(one: PassRun) -> None:
    timed = one.worker.ask(TimeBlock(updates=one.block.updates, warm_up=one.block.warm_up))
    one.blocks.append(timed.seconds)


def count(one: PassRun, gauge: Gauge | None) -> None:
    """Conditions, memory, energy, what was compiled, and the counters of the full pass. Raises ArmFault."""
    draft, worker = one.draft, one.worker
    clocked = worker.ask(Clock(most=MOST_ALGORITHMIC if one.algorithmic else None))
    digest = one.prepared.digest if one.prepared else ""
    draft.keep(
        peak_resident_bytes=clocked.peak_resident_bytes,
        peak_device_bytes=clocked.peak_device_bytes,
        conditions=clocked.conditions | ({"data": digest[:12]} if digest else {}),
    )
    if gauge:
        _measure_energy(one, gauge)
    if one.may_compile:
        compiled = worker.ask(ReadCompiler())
        draft.keep(breaks=compiled.breaks)
        draft.keep_counters({**compiled.counters, "recompiles_in_blocks": compiled.compilations - one.compilations})
    draft.keep_counters(worker.ask(Count(seconds=one.timed.seconds)).counters)


def record_sessions(passes: Sequence[PassRun], order: random.Random, pause: float) -> None:
    """Makes sessions of PyTorch's profiler, lap by lap like the blocks; they are read when all are made."""
    for _ in range(SESSIONS):
        _lap([one for one in passes if one.live], order, pause, _record_session)
    for one in passes:
        one.attempt(_summarise)


def _record_session(one: PassRun) -> None:
    one.worker.ask(RecordSession(seconds=one.timed.seconds))


def _summarise(one: PassRun) -> None:
    summary = one.worker.ask(SummariseSessions())
    one.draft.keep(**{one.name: replace(one.timed, **asdict(summary))})


def look_into_modules(one: PassRun) -> None:
    """What each module of a step costs. Raises ArmFault."""
    seen = one.worker.ask(LookIntoModules(seconds=one.timed.seconds))
    one.draft.keep(modules=seen.modules)
    if seen.missing:
        one.draft.lack("modules", seen.missing)


def find_patterns(one: PassRun) -> None:
    """What PyTorch's own pattern finder says of an arm. Raises ArmFault."""
    seen = one.worker.ask(FindPatterns())
    if seen.missing:
        one.draft.lack("pattern finder", seen.missing)
    else:
        one.draft.keep(patterns=seen.patterns)


def trace_and_sample(one: PassRun, store: Store, *, native: bool) -> None:
    """What disturbs most: a trace, calls of Python functions, and last py-spy. Raises ArmFault."""
    draft, worker = one.draft, one.worker
    trace = draft.folder / "trace.json.gz"
    seconds = one.timed.seconds
    if missing := worker.ask(Trace(seconds=seconds, target=str(trace))).missing:
        draft.lack("trace", missing)
    else:
        draft.keep_file(trace.name, "a few updates as a Chrome trace, for https://ui.perfetto.dev")
    draft.keep_counters(worker.ask(CountCalls(seconds=seconds)).counters)
    try:
        _sample_stacks(one, store, native)
    except ArmFault as fault:
        draft.lack("py-spy", fault.reason)


def _repeat(one: PassRun, seconds: float) -> Repeated:
    return one.worker.ask(Repeat(updates=one.block.updates, seconds=seconds))


def _measure_energy(one: PassRun, gauge: Gauge) -> None:
    """The energy of an update, over blocks that go on for long enough for the device's counter."""
    if gauge.meter.read().joules is None:
        return
    energy = spent(gauge, lambda seconds: _repeat(one, seconds).updates)
    if energy:
        one.draft.keep(energy=energy)
    else:
        one.draft.lack("energy", f"the counter of {gauge.meter.device} moves too rarely")


def _sample_stacks(one: PassRun, store: Store, native: bool) -> None:
    """Samples of the stack by py-spy, and how much slower blocks were meanwhile."""
    draft, worker, folder = one.draft, one.worker, one.draft.folder
    before = _repeat(one, BARE_SECONDS).seconds
    try:
        with Sampler(worker.pid, SAMPLED_SECONDS, folder / "stacks.folded", native=native) as sampler:
            worker.begin(Repeat(updates=one.block.updates, seconds=SAMPLED_SECONDS + MARGIN))
            stacks = sampler.stacks()
    except SamplingError as error:
        draft.lack("py-spy", str(error))
        return
    sampled, after = worker.answer(Repeated).seconds, _repeat(one, BARE_SECONDS).seconds
    draft.keep(slowdown=sampled / ((before + after) / 2), stacks=dict(list(stacks.items())[:MOST_STACKS]))
    name = draft.profile.arm.name
    for file, text, description in (
        ("stacks.folded", flame_graph.folded(stacks), "samples by stack of Python functions, a line each"),
        ("stacks.speedscope.json", flame_graph.speedscope(stacks, name), "the same for https://www.speedscope.app"),
        ("flame.svg", flame_graph.svg(stacks, name), "the same as a flame graph"),
    ):
        store.write(str(folder.relative_to(store.path.resolve()) / file), text.encode())
        draft.keep_file(file, description)
