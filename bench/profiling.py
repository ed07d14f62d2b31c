"""Carries a profiling out: passes of their own, in processes of their own, never beside a race. Yields, never prints.

Two passes an arm, each in a fresh worker: as it is, and with next to no data. Workers start as many at a time as there are
cores, but only one is looked at at a time: the others wait, blocked on their pipes.
"""

import os
import shutil
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from select import select
from typing import Any

import msgspec
from msgspec.structs import replace

from bench import clock, flame
from bench.process import ArmFault, Worker, allowed_cores, variables_for
from bench.profile import Machine, Pass, Profile
from bench.record import Arm, Plan, Race, Status
from bench.sampling import Sampler, SamplingError
from bench.seat import MOST_ALGORITHMIC
from bench.store import Store
from impls import catalogue
from impls.setting import Setting, SettingError

TOGETHER = 8  # arms that are alive at a time, so that a long ladder fits into memory
SAMPLED_SECONDS, MARGIN, BARE_SECONDS = (
    2.0,
    0.3,
    0.2,
)  # py-spy looks; it starts and ends; nobody looks, before and after
TINY_ROWS, TINY_BATCH = 2, 2
MOST_STACKS = 200  # in the profile; the file beside it has all
GUESS = 3.0  # seconds that a pass takes, before any has been made


@dataclass(frozen=True)
class Progress:
    """Where a profiling stands: the race, what is being done, and seconds so far and expected in all."""

    race: Race
    doing: str
    elapsed: float
    expected: float


@dataclass
class _Draft:
    """A profile in the making; `live` until the arm cannot be started at all."""

    arm: Arm
    found: dict[str, Any] = field(default_factory=dict)
    updates: int = 1  # a block
    status: Status = "ok"
    reason: str = ""
    live: bool = True
    reasons: dict[str, str] = field(default_factory=dict)
    artifacts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Bench:
    """What all passes of a race share."""

    race: Race
    plan: Plan
    store: Store
    cores: list[int]
    everywhere: list[int]
    native: bool

    def folder(self, arm: Arm) -> Path:
        return self.store.profiled(self.race, arm.slug).resolve()

    def worker(self, stack: ExitStack, arm: Arm, look: str) -> Worker:
        cache = (self.store.path / "cache" / arm.slug).resolve()
        log = self.store.path / "logs" / self.race.slug / "profile" / f"{arm.slug}-{look}.log"
        variables = variables_for(arm, self.cores, cache)
        return stack.enter_context(
            Worker(arm, everywhere=self.everywhere, variables=variables, log=log, limit=self.plan.limit)
        )


def profile(
    plan: Plan, store: Store, arms: Sequence[Arm] | None = None, *, native: bool = False
) -> Generator[Progress, None, None]:
    """Profiles arms of a plan and writes what it found into the store, race by race.

    arms    None for all but the twins, which are copies, and the watched ones, which draw
    native  whether py-spy sees C and C++ frames too; the arm is then stopped for each look

    An arm that cannot be profiled has a profile that says why. Raises StoreError when nothing can be written.
    """
    begin, everywhere = clock.now(), allowed_cores()
    chosen = {race.slug: [_Draft(arm) for arm in race.arms if _wanted(arm, arms)] for race in plan.races}
    done, passes = 0.0, sum(len(drafts) for drafts in chosen.values()) * len(_PASSES)
    try:
        for race in plan.races:
            for doing, just_done in _profile(plan, store, race, chosen[race.slug], everywhere, native):
                elapsed, done = clock.now() - begin, done + just_done
                each = elapsed / done if done else GUESS
                yield Progress(race, doing, elapsed, elapsed + each * max(0.0, passes - done))
    finally:
        os.sched_setaffinity(0, everywhere)
        shutil.rmtree(store.path / "cache", ignore_errors=True)


def _wanted(arm: Arm, arms: Sequence[Arm] | None) -> bool:
    return arm.role != "twin" and arm.setting.watch == "none" if arms is None else arm in arms


def _profile(
    plan: Plan, store: Store, race: Race, drafts: list[_Draft], everywhere: list[int], native: bool
) -> Iterator[tuple[str, float]]:
    """What is being done, and how many passes have been made since the last word; starting is half of one."""
    cores = everywhere[-race.reference.setting.threads :]
    os.sched_setaffinity(0, [core for core in everywhere if core not in cores] or everywhere)
    bench = _Bench(race, plan, store, cores, everywhere, native)
    if drafts:
        yield "what the machine can do", 0.0
        _measure_machine(bench)
    for look, make in _PASSES.items():
        live = [(draft, arm) for draft in drafts if draft.live and (arm := _arm_for(look, draft)) is not None]
        for first in range(0, len(live), TOGETHER):
            with ExitStack() as stack:
                group = live[first : first + TOGETHER]
                yield f"starting {len(group)} arms", 0.0
                ready = _started(bench, stack, look, group)
                yield f"{len(ready)} arms are ready", len(group) / 2 + (len(group) - len(ready)) / 2
                for draft, worker, prepared in ready:
                    yield f"{draft.arm.name}: {_DOING[look]}", 0.0
                    try:
                        make(bench, draft, worker, prepared)
                    except ArmFault as fault:
                        _end(draft, look, fault)
                    worker.kill()
                    yield f"{draft.arm.name}: done", 0.5
    for draft in drafts:
        store.write_profile(race, _written(plan, draft))


def _measure_machine(bench: _Bench) -> None:
    """What the race's cores can do, over as much data as the race has; a race goes without where that fails."""
    setting = bench.race.reference.setting
    size = setting.rows * (setting.features + 1) * {"float32": 4, "float64": 8}[setting.dtype]
    with ExitStack() as stack:
        worker = bench.worker(stack, bench.race.reference, "roofline")
        try:
            found = worker.ask(
                "roofline", cores=bench.cores, working_set=size, threads=setting.threads, device=setting.device
            )
        except ArmFault:
            return  # its log says why
    bench.store.write_machine(bench.race, msgspec.convert(found, Machine))


def _arm_for(look: str, draft: _Draft) -> Arm | None:
    """The arm as a pass wants it; None where there is none, and the draft says why."""
    if look != "tiny":
        return draft.arm
    try:
        return replace(draft.arm, setting=_tiny(draft.arm))
    except SettingError as error:
        draft.reasons[look] = str(error)
        return None


def _tiny(arm: Arm) -> Setting:
    """The same setting with next to no data. Raises SettingError where the workload has one size only."""
    batch = arm.setting.batch
    size = {"rows": TINY_ROWS} if batch == "full" else {"rows": 2 * TINY_BATCH, "batch": min(batch, TINY_BATCH)}
    return catalogue.workloads()[arm.workload].setting(**vars(arm.setting) | size)


def _started(
    bench: _Bench, stack: ExitStack, look: str, group: Sequence[tuple[_Draft, Arm]]
) -> list[tuple[_Draft, Worker, dict[str, Any]]]:
    """A worker for each that has built its arm and waits; those that could not are ended."""
    waiting, starting, ready = deque(group), list[tuple[_Draft, Worker]](), []
    while waiting or starting:
        while waiting and len(starting) < len(bench.everywhere):
            draft, arm = waiting.popleft()
            worker = bench.worker(stack, arm, look)
            setting = msgspec.to_builtins(arm.setting)
            names = {"workload": arm.workload, "implementation": arm.implementation, "setting": setting}
            worker.begin("prepare", **names, cores=bench.cores, probe=2, live=False)
            starting.append((draft, worker))
        select([worker for _, worker in starting], [], [], 1.0)
        for each in list(starting):
            draft, worker = each
            try:
                if not worker.arrived(0.0):
                    continue
                ready.append((draft, worker, worker.finish()))
            except ArmFault as fault:
                worker.kill()
                _end(draft, look, fault)
            starting.remove(each)
    return ready


def _end(draft: _Draft, look: str, fault: ArmFault) -> None:
    """What ends the first pass is what the profile says; later ones are only missing. A hanging arm is not tried again."""
    if look == "full":
        draft.status, draft.reason = fault.status, fault.reason
        draft.live = "full" in draft.found and fault.status != "timeout"
    else:
        draft.reasons[look] = fault.reason


def _full(bench: _Bench, draft: _Draft, worker: Worker, prepared: dict[str, Any]) -> None:
    """Blocks and memory with nothing attached; then what was compiled, the exact counts, PyTorch's profiler; last, py-spy."""
    setting, found = draft.arm.setting, draft.found
    blocks = _clocked(worker, prepared)
    draft.updates = blocks["updates"]
    found["full"] = Pass(rows=setting.rows, batch=setting.batch_rows, seconds=blocks["seconds"])
    found |= {name: blocks[name] for name in ("peak_resident_bytes", "peak_device_bytes")}
    found["conditions"] = blocks["conditions"] | {"data": prepared["digest"][:12]}
    counters: dict[str, float] = found.setdefault("counters", {})
    if setting.mode != "eager":
        facts = worker.ask("dissect", look="compiled")
        found["breaks"] = facts["breaks"]
        counters |= {**facts["counters"], "recompiles_in_blocks": blocks["recompiles"]}
    counters |= worker.ask("dissect", look="counted", seconds=blocks["seconds"])
    trace = bench.folder(draft.arm) / "trace.json.gz"
    found["full"] = _profiled(worker, found["full"], trace)
    draft.artifacts[trace.name] = "a few updates as a Chrome trace, for https://ui.perfetto.dev"
    counters |= worker.ask("dissect", look="called", seconds=blocks["seconds"])
    try:
        _sampled(bench, draft, worker)
    except ArmFault as fault:
        draft.reasons["py-spy"] = fault.reason


def _without_data(_: _Bench, draft: _Draft, worker: Worker, prepared: dict[str, Any]) -> None:
    """The clock and the profiler again, with next to no data."""
    setting = _tiny(draft.arm)
    seconds = _clocked(worker, prepared)["seconds"]
    draft.found["tiny"] = bare = Pass(rows=setting.rows, batch=setting.batch_rows, seconds=seconds)
    draft.found["tiny"] = _profiled(worker, bare)


def _clocked(worker: Worker, prepared: dict[str, Any]) -> dict[str, Any]:
    most = {"most": MOST_ALGORITHMIC} if prepared["work"] == "algorithmic" else {}
    found: dict[str, Any] = worker.ask("dissect", look="clocked", **most)
    return found


def _profiled(worker: Worker, bare: Pass, trace: Path | None = None) -> Pass:
    found = worker.ask("dissect", look="profiled", seconds=bare.seconds, trace=str(trace) if trace else None)
    return msgspec.convert(msgspec.to_builtins(bare) | found, Pass)


def _sampled(bench: _Bench, draft: _Draft, worker: Worker) -> None:
    """py-spy on blocks, and how long these took with and without it."""
    folder = bench.folder(draft.arm)

    def bare() -> float:
        return float(worker.ask("dissect", look="repeated", updates=draft.updates, seconds=BARE_SECONDS)["seconds"])

    before = bare()
    try:
        with Sampler(worker.pid, SAMPLED_SECONDS, folder / "stacks.folded", native=bench.native) as sampler:
            worker.begin("dissect", look="repeated", updates=draft.updates, seconds=SAMPLED_SECONDS + MARGIN)
            stacks = sampler.stacks()
    except SamplingError as error:
        draft.reasons["py-spy"] = str(error)
        return
    looked_at = float(worker.finish()["seconds"])
    draft.found["slowdown"] = looked_at / ((before + bare()) / 2)
    draft.found["stacks"] = dict(list(stacks.items())[:MOST_STACKS])
    for name, text, what in (
        ("stacks.folded", flame.folded(stacks), "samples by stack of Python functions, a line each"),
        ("stacks.speedscope.json", flame.speedscope(stacks, draft.arm.name), "the same for https://www.speedscope.app"),
        ("flame.svg", flame.svg(stacks, draft.arm.name), "the same as a flame graph"),
    ):
        bench.store.write(str(folder.relative_to(bench.store.path.resolve()) / name), text.encode())
        draft.artifacts[name] = what


def _written(plan: Plan, draft: _Draft) -> Profile:
    values = {"run": plan.run, "arm": draft.arm, "status": draft.status, "reason": draft.reason}
    return msgspec.convert(
        msgspec.to_builtins(values | draft.found | {"reasons": draft.reasons, "artifacts": draft.artifacts}), Profile
    )


_DOING = {"full": "clock, counts, profiler, py-spy", "tiny": "the same with next to no data"}
_PASSES: dict[str, Callable[[_Bench, _Draft, Worker, dict[str, Any]], None]] = {
    "full": _full,
    "tiny": _without_data,
}
