"""One arm in its process, from its import to its last block: a method for each command of `bench.messages.commands`.

Loads torch with the first command, not when this file is imported: how long that takes is part of what is measured.
"""

import ctypes
import importlib.util
import os
import resource
import sys
from collections.abc import Callable, Sequence
from math import isnan
from multiprocessing import active_children
from pathlib import Path
from statistics import fmean, median
from types import ModuleType
from typing import Any

from bench import clock
from bench.messages import commands
from bench.messages.commands import (
    AnyCommand,
    Audit,
    Audited,
    BlockTimed,
    Draw,
    Finish,
    Finished,
    JobDone,
    Observe,
    PhasesTimed,
    Prepare,
    Prepared,
    ReadWeights,
    Reset,
    RunJob,
    Step,
    TimeBlock,
    TimePhases,
)
from bench.messages.probes import MachineMeasured, MeasureMachine, Probe, ProbeAnswer
from bench.messages.protocol import Answer, Done
from bench.processes import affinity, memory_layout
from bench.results.record import Compiler
from bench.worker.answer import read_off, weights_of
from bench.worker.installed import installed_modules
from bench.worker.unfit import Unfit
from impls.contract import Implementation, Problem, Task, Watchable
from impls.contract.setting import Setting


class Session:
    """The state of a worker.

    send        takes what is to be said while a command is carried out
    everywhere  the cores of the worker, before `prepare` gives it those of its race
    """

    arm: Any  # an Implementation or a LiveStep
    setting: Setting

    def __init__(self, send: Callable[[Answer], None], everywhere: set[int]) -> None:
        self._send, self._everywhere = send, everywhere
        self._at_start = frozenset(sys.modules)  # more in a forked worker, whose server has loaded them
        self._look: Callable[[], None] | None = None
        self._advance: Callable[..., None] = _unwatched
        self._painter: Any = None
        self._subject: Any = None
        self._phases: Any = None
        self._drains: list[float] = []
        self._wall = self._worked = 0.0
        self._between = list[float]()  # seconds worked between two blocks
        self._left = float("nan")  # seconds worked when the last block was left; "not a number" before the first
        self._cores: tuple[int, ...] = ()
        self._faults = self._updates = 0
        self._footprint: dict[str, int] | None = None  # after the first block
        self._skips: Callable[[], int] = int  # updates left out since the last look
        self._skipped = 0

    def carry_out(self, command: AnyCommand) -> Answer:
        """The answer to a command. Whatever the arm raises comes through; `Unfit` where the arm cannot run here."""
        if isinstance(command, TimeBlock):
            return self.time_block(command.updates, command.warm_up)
        self._left = float("nan")
        match command:
            case TimePhases():
                return self.time_phases(command.updates, command.warm_up)
            case Reset():
                self.reset()
                return Done()
            case Prepare():
                return self.prepare(command)
            case ReadWeights():
                return read_off(self.arm, self.setting)
            case RunJob():
                return self.run_job(command.picture)
            case Finish():
                return self.finish(command.updates)
            case MeasureMachine():
                return self.measure_machine(command)
            case Observe():
                return self.observe(command.target)
            case Audit():
                return self.audit(command)
            case Draw():
                return self.draw(command.target)
            case _:
                return self.probe(command)

    def prepare(self, command: Prepare) -> Prepared:
        """Import and build the arm and make its first updates; the weights after the first and after `probe` of them."""
        if command.file:
            return self._prepare_step(command)
        self._send(Step(name="import"))
        begin = clock.now()
        self._load_openmp()
        kind = self._load(command)
        imported = clock.now()

        self._send(Step(name="build"))
        problem = self.workload.problem(self.setting)
        task, build_seconds = self._build(kind, problem, command.implementation)

        self._send(Step(name="first update"))
        self.reset()
        first_seconds, _, _ = self.stopwatch.time(lambda: self.arm.advance(1))
        first = weights_of(self.arm, self.setting, "first update", 1)
        self._send(Step(name="probe"))
        self.arm.advance(command.probe - 1)
        probe = weights_of(self.arm, self.setting, "probe", command.probe)

        self._watch(task, live=command.live)
        self._settle(command.cores)
        return Prepared(
            import_seconds=imported - begin,
            build_seconds=build_seconds,
            first_seconds=first_seconds,
            weights=(first, probe),
            work=kind.work,
            reads_data=getattr(kind, "reads_data", False),  # a side of a gate may have a contract of before
            fingerprint=self._fingerprint,
            digest=problem.digest,
            in_a_window=self._painter is not None and self._painter.in_a_window,
            own_tolerance=kind.tolerance(self.setting),
            loaded=installed_modules(self._at_start),
        )

    def _prepare_step(self, command: Prepare) -> Prepared:
        """Import and build an arm of a step, and make its first update. Raises `Unfit` where its recipe does not apply."""
        self._send(Step(name="import"))
        begin = clock.now()
        self._load_openmp()
        from bench.worker import step_arm

        self.setting = commands.setting_of(command.setting)
        self._ready(self.setting)
        builder = step_arm.Builder(command)
        imported = clock.now()
        self._send(Step(name="build"))
        memory_layout.level(os.environ)
        step = self.arm = builder.built()
        self.stopwatch.drain()
        built = clock.now()
        self._send(Step(name="first update"))
        first_seconds, _, _ = self.stopwatch.time(lambda: step.advance(1))
        step_arm.check_compiled(step)
        self.reset()
        if step.scalers:
            self._skips = step_arm.Skips(step).since
        self._settle(command.cores)
        return Prepared(
            import_seconds=imported - begin,
            build_seconds=built - imported,
            first_seconds=first_seconds,
            weights=(),
            work=builder.work,
            fingerprint=builder.fingerprint,
            digest="",
            patch=step.patch,
            loaded=installed_modules(self._at_start),
        )

    def _settle(self, cores: Sequence[int]) -> None:
        """Moves to the cores of the race, for all that is timed."""
        affinity.pin(cores)
        self._cores = tuple(cores)

    def observe(self, target: str) -> Done:
        """Makes the updates that the judge of steps looks at, writes what they did, and goes back."""
        from bench.judge.standard import observation

        self._write(target, observation.observe(self.arm))
        return Done()

    def _write(self, target: str, observed: Any) -> None:
        """Writes what the judge reads."""
        from bench.judge.standard import observation

        observation.write(Path(target), observed)

    def _goes_on(self, wanted: bool) -> bool:
        """Whether one more update is made; where several processes make it, all must decide alike."""
        return wanted

    def audit(self, command: Audit) -> Audited:
        """Makes what is missing of the updates, then two from there for the judge of steps, and goes back."""
        from bench.judge.standard import race_state

        step, end = self.arm, clock.now() + command.seconds
        while self._goes_on(step.number < step.start + command.updates and clock.now() < end):
            step.advance(1)
        self._write(command.target, race_state.observed_here(step))
        return Audited(updates=step.number - step.start)

    def draw(self, target: str) -> Done:
        """Makes the updates that show what an arm of a step draws at random, writes them, and goes back."""
        from bench.judge.draws import own_draws

        self._write(target, own_draws.drawn(self.arm, lambda step: self._send(Step(name=step))))
        return Done()

    def _load_openmp(self) -> None:
        """Load OpenMP by itself, then let this thread use all cores again.

        Where OpenMP is to bind threads it binds the one that loads it at once, and that of all arms to the same core.
        Importing torch on one shared core takes twice as long.
        """
        spec = importlib.util.find_spec("torch")
        for folder in (spec and spec.submodule_search_locations) or ():
            for library in Path(folder, "lib").glob("libgomp*.so*"):
                ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
        os.sched_setaffinity(0, self._everywhere)

    def _load(self, command: Prepare) -> type[Implementation]:
        """The implementation's class, with torch and all that it imports. Raises `Unfit` where it cannot run here."""
        from impls.contract import catalogue

        self.workload = catalogue.workloads()[command.workload]
        self.setting = self.workload.setting(**command.setting)
        device = self._ready(self.setting)
        entry = catalogue.entry(command.implementation)
        if reason := entry.missing():
            raise Unfit("unavailable", reason)
        self._fingerprint = entry.fingerprint
        kind = catalogue.load(command.implementation)
        if reason := kind.refuses(self.setting):
            raise Unfit("unsupported", reason)
        if self.setting.mode != "eager" and (reason := device.cannot_compile(self.setting.device)):
            raise Unfit("unavailable", reason)
        return kind

    def _ready(self, setting: Setting) -> ModuleType:
        """Loads torch for a setting; the module of devices. Raises `Unfit` where the device is not there."""
        import torch

        from bench.worker import device

        torch.set_num_threads(setting.threads)
        if reason := device.absent(setting.device):
            raise Unfit("unsupported", reason)
        self._flags, self._device = device.global_flags(), device
        self.stopwatch = device.Stopwatch(setting.device)
        return device

    def _build(self, kind: type[Implementation], problem: Problem, name: str) -> tuple[Task, float]:
        """The arm's task, and the seconds that its constructor took. Raises `Unfit` where something is missing."""
        from impls.contract import UnavailableError
        from impls.contract.task import Compiler, make_task

        compiler = Compiler(self.setting.mode)
        memory_layout.level(os.environ)
        task = make_task(problem, self.setting, compiler)
        self.stopwatch.drain()
        begin = clock.now()
        try:
            self.arm = kind(task)
        except UnavailableError as error:
            raise Unfit("unavailable", str(error)) from error
        self.stopwatch.drain()
        seconds = clock.now() - begin
        if self.setting.mode != "eager" and not compiler.asked:
            raise Unfit("unsupported", f"{name} has nothing for torch.compile to compile")
        return task, seconds

    def _watch(self, task: Task, *, live: bool) -> None:
        """What is done after every few updates of a watched arm."""
        from bench.worker import watch

        self._advance = watch.advance_and_look
        if self.setting.watch == "none":
            return
        assert isinstance(self.workload, Watchable)  # the workload has refused the setting otherwise
        if self.setting.watch == "loss":
            self._look = watch.loss_reader(self.arm, task, self.workload)
        else:
            self._painter = watch.Painter(self.arm, task, self.workload, live=live)
            self._look = self._painter.look

    def reset(self) -> None:
        """Levels the heap and takes the arm back to the start."""
        memory_layout.level(os.environ)
        self.arm.reset()
        self._footprint = None

    def time_block(self, updates: int, warm_up: int = 0) -> BlockTimed:
        """Makes `warm_up` untimed updates, which fill the caches as the arm leaves them; then times `updates` more."""
        if not isnan(since := clock.worked() - self._left):
            self._between.append(since)
        if warm_up:
            self.arm.advance(warm_up)
        worked, faults = clock.worked(), self._device.page_faults()
        seconds, on_device, drain = self.stopwatch.time(
            lambda: self._advance(self.arm, updates, self.setting.every, self._look)
        )
        self._worked += clock.worked() - worked
        self._faults += self._device.page_faults() - faults
        self._updates += updates
        self._wall += seconds
        self._drains.append(drain)
        self._skipped += self._skips()
        self._footprint = self._footprint or self._device.footprint(self.setting.device)
        self._left = clock.worked()
        return BlockTimed(seconds=seconds, device_seconds=on_device)

    def time_phases(self, updates: int, warm_up: int = 0) -> PhasesTimed:
        """The same with the clock read between the phases of each update, which no timed block is disturbed by."""
        from bench.worker.phases import Phases

        self._phases = self._phases or Phases(self.arm, self.stopwatch)
        self.arm.advance(warm_up)
        return PhasesTimed(seconds=self._phases.time(updates))

    def run_job(self, picture: str | None) -> JobDone:
        """Does the whole job from the start, timed as one block; then writes the frames of a drawing arm to `picture`."""
        self.reset()
        if self._painter is not None:
            self._painter.frames = []
        timed = self.time_block(self.setting.updates)
        weights = weights_of(self.arm, self.setting, "job", self.setting.updates)
        if self._painter is not None:
            if picture:
                Path(picture).parent.mkdir(parents=True, exist_ok=True)
                self._painter.save(Path(picture))
            self._painter.frames = None
        return JobDone(seconds=timed.seconds, weights=weights)

    def finish(self, updates: int) -> Finished:
        """The weights after `updates` updates of blocks, and what the arm did meanwhile."""
        flags, footprint = self._device.global_flags(), self._device.footprint(self.setting.device)
        before = self._footprint or {}
        grown = {name: now - before.get(name, now) for name, now in footprint.items()}
        step = self.setting.is_step
        return Finished(
            weights=None if step else weights_of(self.arm, self.setting, "blocks", updates),
            compiler=self._compiler(grown["compilations"]) if step else None,
            peak_device_bytes=self._device.peak_bytes(self.setting.device) if step else None,
            skipped=self._skipped,
            changed_flags=tuple(
                f"{name}: {old} became {flags[name]}" for name, old in self._flags.items() if flags[name] != old
            ),
            waited=max(0.0, 1 - self._worked / self._wall) if self._computes_alone() else 0.0,
            between=fmean(self._between) if self._between and self._computes_alone() else 0.0,
            cores=affinity.not_given(self._cores),
            page_faults=self._faults / self._updates if self._updates else 0.0,
            drain_seconds=median(self._drains) if self._drains else 0.0,
            grown=grown,
            peak_resident_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        )

    @staticmethod
    def _compiler(recompilations: int) -> Compiler:
        """What was compiled for an arm of a step; so often since its blocks began."""
        from bench.worker import step_arm

        return step_arm.compiled(recompilations)

    def _computes_alone(self) -> bool:
        """Whether one thread of this process does all the timed work; an arm that waits for its helpers is not disturbed."""
        return self._wall > 0 and self.setting.threads == 1 and not active_children()

    def probe(self, command: Probe) -> ProbeAnswer:
        """What a probe of `probes.py` finds."""
        from bench.worker import probes, torch_profiler

        self._subject = self._subject or torch_profiler.Subject(self.arm, self.setting, self.stopwatch)
        return probes.carried_out(self._subject, command)

    def measure_machine(self, command: MeasureMachine) -> MachineMeasured:
        """What the cores can do at most; of a worker that has prepared no arm."""
        self._load_openmp()
        os.sched_setaffinity(0, command.cores[:1] if command.threads > 1 else command.cores)
        from bench.worker import roofline

        return MachineMeasured(machine=roofline.measured(command.working_set, command.threads, command.device))


def _unwatched(arm: Any, updates: int, every: int, look: object) -> None:
    """Makes the updates of an arm that nobody watches."""
    arm.advance(updates)
