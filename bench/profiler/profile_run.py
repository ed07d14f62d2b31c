"""Carries a profiling out: passes of their own, in processes of their own, never beside a race. Yields, never prints.

The two passes of some arms are alive at a time, and are timed together. Workers start as many at a time as there are cores;
what else is looked at is looked at one by one: the others wait, blocked on their pipes.
"""

import os
import random
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from select import select

import msgspec
from msgspec.structs import replace

from bench import clock
from bench.profiler.passes import (
    PASSES,
    Draft,
    Look,
    look_closely,
    look_inside,
    profile_together,
    setting_for,
    time_together,
    unlike,
)
from bench.results.profile import Machine
from bench.results.record import Arm, Plan, Race
from bench.results.statistics import seconds_per_update
from bench.results.store import Store
from bench.runner.arm_run import probe_for
from bench.runner.race import SLEEP_BEFORE_VISIT
from bench.runner.worker_process import ArmFault, Worker, allowed_cores, variables_for
from bench.system.telemetry import gauges
from impls.contract.setting import SettingError

TOGETHER = 8  # arms that are alive at a time, each twice, so that a long ladder fits into memory
MOST_DRAWN = 3  # processes of an arm, until one is like those that were raced
GUESS = 3.0  # seconds that a pass takes, before any has been made


@dataclass(frozen=True)
class Progress:
    """Where a profiling stands: the race, what is being done, and seconds so far and expected in all."""

    race: Race
    doing: str
    elapsed: float
    expected: float


@dataclass(frozen=True)
class _Bench:
    """What all passes of a race share."""

    race: Race
    plan: Plan
    store: Store
    cores: list[int]
    everywhere: list[int]
    native: bool

    @property
    def pause(self) -> float:
        """Before each block, as in the race."""
        return SLEEP_BEFORE_VISIT if len(self.cores) > 1 else 0.0

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

    An arm that cannot be profiled has a profile that says why. Raises StoreError when nothing can be written, and while
    another process measures into the same store.
    """
    begin, everywhere = clock.now(), allowed_cores()
    chosen = {race.slug: [arm for arm in race.arms if _wanted(arm, arms)] for race in plan.races}
    done, passes = 0.0, sum(map(len, chosen.values())) * len(PASSES)
    with ExitStack() as stack:
        stack.enter_context(store.alone())
        stack.callback(os.sched_setaffinity, 0, everywhere)
        for race in plan.races:
            for doing, just_done in _profile(plan, store, race, chosen[race.slug], everywhere, native):
                elapsed, done = clock.now() - begin, done + just_done
                each = elapsed / done if done else GUESS
                yield Progress(race, doing, elapsed, elapsed + each * max(0.0, passes - done))


def _wanted(arm: Arm, arms: Sequence[Arm] | None) -> bool:
    return arm.role != "twin" and arm.setting.watch == "none" if arms is None else arm in arms


def _profile(
    plan: Plan, store: Store, race: Race, arms: Sequence[Arm], everywhere: list[int], native: bool
) -> Iterator[tuple[str, float]]:
    """What is being done, and how many passes have been made since the last word; starting is half of one."""
    cores = everywhere[-race.reference.setting.threads :]
    os.sched_setaffinity(0, [core for core in everywhere if core not in cores] or everywhere)
    bench = _Bench(race, plan, store, cores, everywhere, native)
    if arms:
        yield "what the machine can do", 0.0
        _measure_machine(bench)
    for first in range(0, len(arms), TOGETHER):
        drafts = [Draft(arm, bench.folder(arm)) for arm in arms[first : first + TOGETHER]]
        with ExitStack() as stack:
            yield f"starting {len(drafts)} arms", 0.0
            looks = [look for look in _started(bench, stack, _wished(drafts)) if look.live]
            half = len(drafts) * len(PASSES) / 2
            yield f"timing {len(drafts)} arms, each with all of its data and with next to none", half
            order = random.Random(f"{plan.seed} {race.slug} {first}")
            time_together(looks, order, bench.pause)
            yield from _drawn_anew(bench, stack, looks, order)
            found = stack.enter_context(gauges({arm.setting.device for arm in arms} if looks else ()))
            whole = [look for draft in drafts for look in looks if look.draft is draft and look.name == "full"]
            for look in whole:
                yield f"{look.draft.arm.name}: counts", 0.0
                look.attempt(partial(look_closely, gauge=found.get(look.setting.device)))
            yield f"PyTorch's profiler on {len(drafts)} arms", 0.0
            profile_together(looks, order, bench.pause)
            yield "PyTorch's profiler: done", half / 2
            for look in whole:
                yield f"{look.draft.arm.name}: trace, py-spy", 0.0
                look.attempt(partial(look_inside, store=store, native=native))
                look.worker.kill()
                yield f"{look.draft.arm.name}: done", len(PASSES) / 4
        for draft in drafts:
            store.write_profile(race, draft.written(plan))


def _measure_machine(bench: _Bench) -> None:
    """What the race's cores can do, over as much data as the race has; a race goes without where that fails."""
    setting = bench.race.reference.setting
    size = setting.rows * (setting.features + 1) * setting.item_bytes
    with ExitStack() as stack:
        worker = bench.worker(stack, bench.race.reference, "roofline")
        try:
            found = worker.ask(
                "roofline", cores=bench.cores, working_set=size, threads=setting.threads, device=setting.device
            )
        except ArmFault:
            return  # its log says why
    bench.store.write_machine(bench.race, msgspec.convert(found, Machine))


def _drawn_anew(
    bench: _Bench, stack: ExitStack, looks: list[Look], order: random.Random
) -> Iterator[tuple[str, float]]:
    """Other processes in the place of those that are not like the ones that were raced; a few times, for it is chance."""
    records, _ = bench.store.records()
    measured = {arm: seconds_per_update([each for each in records if each.arm == arm]) for arm in bench.race.arms}
    for _ in range(MOST_DRAWN - 1):
        strange = [look for look in looks if unlike(look, measured[look.draft.arm])]
        if not strange:
            return
        yield f"timing {len(strange)} arms in other processes, like those that were raced", 0.0
        for look in strange:
            look.worker.kill()
            looks.remove(look)
            look.draft.found["drawn"] = look.draft.found.get("drawn", 1) + 1
        wished = [each for each in _wished([look.draft for look in strange]) if each[1] == "full"]
        looks += [look for look in _started(bench, stack, wished) if look.live]
        time_together(looks, order, bench.pause)


def _started(bench: _Bench, stack: ExitStack, wished: Iterable[tuple[Draft, str, Arm]]) -> Iterator[Look]:
    """These passes, as their workers have built the arm and wait; of those that could not the draft says why."""
    waiting, starting = deque(wished), list[Look]()
    while waiting or starting:
        while waiting and len(starting) < len(bench.everywhere):
            draft, name, arm = waiting.popleft()
            if draft.status != "ok":
                continue
            look = Look(draft, name, arm.setting, bench.worker(stack, arm, name))
            setting = msgspec.to_builtins(arm.setting)
            names = {"workload": arm.workload, "implementation": arm.implementation, "setting": setting}
            look.worker.begin("prepare", **names, cores=bench.cores, probe=probe_for(arm.setting), live=False)
            starting.append(look)
        select([look.worker for look in starting], [], [], 1.0)
        for look in list(starting):
            look.attempt(_listen)
            if look.prepared or not look.live:
                starting.remove(look)
                yield look


def _wished(drafts: Sequence[Draft]) -> Iterator[tuple[Draft, str, Arm]]:
    """The arms as the passes want them; where there is none, the draft says why."""
    for name in PASSES:
        for draft in drafts:
            try:
                yield draft, name, replace(draft.arm, setting=setting_for(name, draft.arm))
            except SettingError as error:
                draft.reasons[name] = str(error)


def _listen(look: Look) -> None:
    if look.worker.arrived(0.0):
        look.prepared = look.worker.finish()
