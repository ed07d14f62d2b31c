"""The process in which one arm lives: does what the conductor asks, times it, and answers. Started by `process.py` only.

    python -m bench.worker.main COMMANDS ANSWERS CORES      two file descriptors, one JSON document a line; "0,1"

Apart from the conductor so that no framework, global flag, allocator or crash of one arm can reach another. Whatever the
arm prints goes to the log of its round.
"""

import ctypes
import importlib.util
import json
import os
import resource
import sys
import traceback
from collections.abc import Callable
from multiprocessing import active_children
from pathlib import Path
from statistics import median
from typing import IO, Any

from bench import clock
from bench.runner import memory_layout
from bench.runner.fork_server import LATER, end_with_parent
from impls.contract.setting import Setting


class Unfit(Exception):
    """The arm cannot run here; not its fault. Carries the status and the reason that its row shows."""

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


class Session:
    """One arm from its import to its last block; a method for each thing that can be asked."""

    def __init__(self, answer: Callable[[dict[str, Any]], None], everywhere: set[int]) -> None:
        self._answer, self._everywhere = answer, everywhere
        self._look: Callable[[], None] | None = None
        self._painter: Any = None
        self._subject: Any = None
        self._drains: list[float] = []
        self._wall = self._worked = 0.0
        self._faults = self._updates = 0
        self._mark: dict[str, int] | None = None

    def _step(self, name: str) -> None:
        self._answer({"step": name})

    def prepare(
        self, workload: str, implementation: str, setting: dict[str, Any], cores: list[int], probe: int, live: bool
    ) -> dict[str, Any]:
        """Import, build, first update, and on to update `probe`; the weights after both, for the referee."""
        self._step("import")
        begin = clock.now()
        self._load_openmp()
        import torch

        from bench.worker import device
        from impls.contract import UnavailableError, catalogue
        from impls.contract.task import Compiler, make_task

        self.setting = catalogue.workloads()[workload].setting(**setting)
        torch.set_num_threads(self.setting.threads)
        reason = device.absent(self.setting.device)
        if reason:
            raise Unfit("unsupported", reason)
        entry = catalogue.entry(implementation)
        absent = entry.missing()
        if absent:
            raise Unfit("unavailable", absent)
        self._flags, self._device = device.global_flags(), device
        kind = catalogue.load(implementation)
        reason = kind.refuses(self.setting)
        if reason:
            raise Unfit("unsupported", reason)
        absent = None if self.setting.mode == "eager" else device.cannot_compile(self.setting.device)
        if absent:
            raise Unfit("unavailable", absent)
        imported = clock.now()

        self._step("build")
        self.workload = catalogue.workloads()[workload]
        problem = self.workload.problem(self.setting)
        compiler = Compiler(self.setting.mode)
        memory_layout.level(os.environ)
        task = make_task(problem, self.setting, compiler)
        self.stopwatch = device.Stopwatch(self.setting.device)
        self.stopwatch.drain()
        drawn = clock.now()
        try:
            self.arm = kind(task)
        except UnavailableError as error:
            raise Unfit("unavailable", str(error)) from error
        self.stopwatch.drain()
        built = clock.now()
        if self.setting.mode != "eager" and not compiler.asked:
            raise Unfit("unsupported", f"{implementation} has nothing for torch.compile to compile")

        self._step("first update")
        self.reset()
        first, _, _ = self.stopwatch.time(lambda: self.arm.advance(1))
        answers = [self.answer("first update", 1)]
        self._step("probe")
        self.arm.advance(probe - 1)
        answers.append(self.answer("probe", probe))
        self._watch(task, live)
        self._pin(cores)
        return {
            "import_seconds": imported - begin,
            "build_seconds": built - drawn,
            "first_seconds": first,
            "answers": answers,
            "work": kind.work,
            "fingerprint": entry.fingerprint,
            "digest": problem.digest,
            "in_a_window": self._painter is not None and self._painter.in_a_window,
            "own_tolerance": kind.tolerance(self.setting),
            "late": LATER in sys.modules,
        }

    def _load_openmp(self) -> None:
        """OpenMP, where it is to bind threads, binds the one that loads it at once, and all arms' to the same core.

        So it is loaded first and by itself, and this thread goes back to all cores: importing torch takes half as long.
        """
        found = importlib.util.find_spec("torch")
        for folder in (found and found.submodule_search_locations) or ():
            for library in Path(folder, "lib").glob("libgomp*.so*"):
                ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
        os.sched_setaffinity(0, self._everywhere)

    def _watch(self, task: Any, live: bool) -> None:
        from bench.worker import watch

        self._advance = watch.advance_and_look
        if self.setting.watch == "loss":
            self._look = watch.loss_reader(self.arm, task, self.workload)
        elif self.setting.watch == "draw":
            self._painter = watch.Painter(self.arm, task, self.workload, live=live)
            self._look = self._painter.look

    def _pin(self, cores: list[int]) -> None:
        """All threads to the race's cores; where OpenMP has bound its own, one core each, this one to the first."""
        for thread in Path("/proc/self/task").iterdir():
            bound = self.setting.threads > 1 and len(os.sched_getaffinity(int(thread.name))) == 1
            if not bound:
                os.sched_setaffinity(int(thread.name), cores)
        if self.setting.threads > 1:
            os.sched_setaffinity(0, cores[:1])

    def reset(self) -> None:
        """Back to the start, on level ground."""
        memory_layout.level(os.environ)
        self.arm.reset()
        self._mark = None

    def block(self, updates: int, settle: int = 0) -> dict[str, Any]:
        """The next `settle` updates, untimed, to find caches as the arm leaves them; then `updates` more, timed."""
        if settle:
            self.arm.advance(settle)
        worked, faults = clock.worked(), _page_faults()
        seconds, on_device, drain = self.stopwatch.time(
            lambda: self._advance(self.arm, updates, self.setting.every, self._look)
        )
        self._worked += clock.worked() - worked
        self._faults += _page_faults() - faults
        self._updates += updates
        self._wall += seconds
        self._drains.append(drain)
        self._mark = self._mark or self._device.footprint(self.setting.device)
        return {"seconds": seconds, "device_seconds": on_device}

    def job(self, picture: str | None) -> dict[str, Any]:
        """The whole workload from the start, timed as one; its frames to `picture` afterwards."""
        self.reset()
        if self._painter is not None:
            self._painter.frames = []
        timed = self.block(self.setting.updates)
        found = self.answer("job", self.setting.updates)
        if self._painter is not None:
            if picture:
                Path(picture).parent.mkdir(parents=True, exist_ok=True)
                self._painter.save(Path(picture))
            self._painter.frames = None
        return timed | {"answer": found}

    def answer(self, when: str, updates: int) -> dict[str, Any]:
        """The weights as they are, where they are."""
        return answer_of(self.arm, self.setting, when, updates)

    def finish(self, updates: int) -> dict[str, Any]:
        """The weights that the timed blocks produced, and what the arm left behind."""
        flags, left = self._device.global_flags(), self._device.footprint(self.setting.device)
        changed = [f"{name}: {old} became {flags[name]}" for name, old in self._flags.items() if flags[name] != old]
        return {
            "answer": self.answer("blocks", updates),
            "changed_flags": changed,
            "waited": max(0.0, 1 - self._worked / self._wall) if self._alone() else 0.0,
            "page_faults": self._faults / self._updates if self._updates else 0.0,
            "drain_seconds": median(self._drains) if self._drains else 0.0,
            "grown": {name: now - (self._mark or {}).get(name, now) for name, now in left.items()},
            "peak_resident_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        }

    def _alone(self) -> bool:
        """Whether whatever is timed is done by one thread of this process: one that waits for its helpers is not disturbed."""
        return self._wall > 0 and self.setting.threads == 1 and not active_children()

    def dissect(self, look: str, **arguments: Any) -> dict[str, Any]:
        """One of the looks of probes.py at the arm."""
        from bench.worker import probes, torch_profiler

        self._step(f"profiling ({look})")
        self._subject = self._subject or torch_profiler.Subject(self.arm, self.setting, self.stopwatch)
        return probes.LOOKS[look](self._subject, **arguments)

    def roofline(self, cores: list[int], threads: int, **arguments: Any) -> dict[str, Any]:
        """What the cores can do at most; asked of a worker that has prepared no arm."""
        self._load_openmp()
        os.sched_setaffinity(0, cores[:1] if threads > 1 else cores)
        from bench.worker import roofline

        return roofline.measured(threads=threads, **arguments)


def _page_faults() -> int:
    """Pages of memory that the kernel has given this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def answer_of(arm: Any, setting: Setting, when: str, updates: int) -> dict[str, Any]:
    """What the referee is shown: the weights, brought to the host only when they lie where the setting says."""
    weights = arm.weights()
    devices = sorted({value.device.type for value in weights.values()})
    there = devices == [setting.device]
    return {
        "when": when,
        "updates": updates,
        "weights": {name: value.detach().double().cpu().tolist() for name, value in weights.items()} if there else {},
        "devices": devices,
        "dtypes": sorted({str(value.dtype).removeprefix("torch.") for value in weights.values()}),
    }


def _fault(error: BaseException) -> dict[str, str]:
    if isinstance(error, Unfit):
        return {"status": error.status, "reason": error.reason}
    traceback.print_exception(error)
    from bench.worker import device

    status = "out_of_memory" if device.is_out_of_memory(error) else "failed"
    if isinstance(error, ModuleNotFoundError) and error.name and not error.name.startswith(("impls", "bench")):
        status = "unavailable"
    text = " ".join(str(error).split()) or "no message"
    where = traceback.extract_tb(error.__traceback__)[-1]
    return {"status": status, "reason": f"{type(error).__name__}: {text} ({Path(where.filename).name}:{where.lineno})"}


def main() -> None:
    """Reads commands until the pipe closes or the arm fails."""
    end_with_parent()
    memory_layout.take(os.environ)
    everywhere = {int(core) for core in sys.argv[3].split(",")}
    os.sched_setaffinity(0, everywhere)
    commands: IO[str] = os.fdopen(int(sys.argv[1]), "r", encoding="utf-8")
    answers: IO[str] = os.fdopen(int(sys.argv[2]), "w", encoding="utf-8")

    def answer(message: dict[str, Any]) -> None:
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    session = Session(answer, everywhere)
    for line in commands:
        message = json.loads(line)
        try:
            answer({"done": getattr(session, message.pop("do"))(**message)})
        except BaseException as error:  # noqa: BLE001 - an arm may raise anything, SystemExit included; its row says what
            answer({"fault": _fault(error)})
            break
    os._exit(0)  # an arm's threads and exit hooks must not keep a finished worker alive


if __name__ == "__main__":
    main()
