"""Profiles the arms of a plan, each in processes of its own and never beside a race. Yields, never prints.

The two passes of some arms are alive at a time, and are timed together. Workers start as many at a time as there are cores;
everything but blocks and profiler sessions is done arm by arm, while the others wait, blocked on their pipes.
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

from msgspec.structs import replace

from bench import clock
from bench.messages.commands import Prepare, Prepared, prepare
from bench.messages.probes import MeasureMachine
from bench.processes.arm_process import cores_for, has_ranks, variables_for
from bench.processes.worker_process import ArmFault, Worker, allowed_cores
from bench.profiler.passes import (
    PASSES,
    PassName,
    PassRun,
    ProfileDraft,
    count,
    find_patterns,
    look_into_modules,
    record_sessions,
    setting_for,
    time_together,
    trace_and_sample,
    unlike,
)
from bench.progress import Progress
from bench.results.profile import Profile
from bench.results.record import Arm, Plan, Race
from bench.results.statistics import seconds_per_update
from bench.results.store import Store
from bench.runner.arm_run import probe_for
from bench.runner.laps import pause_of
from bench.system.telemetry import gauges
from impls.contract.setting import SettingError
from impls.floors.names import FLOORS
from impls.recipe import steps

TOGETHER = 8  # arms that are alive at a time, each twice, so that a long ladder fits into memory
MOST_DRAWN = 3  # processes of an arm, until one is like those that were raced
GUESS = 3.0  # seconds that a pass takes, before any has been made


@dataclass(frozen=True)
class _Course:
    """What all passes of a race have in common."""

    race: Race
    plan: Plan
    store: Store
    cores: list[int]
    everywhere: list[int]
    native: bool
    file: str  # of a step; "" of an exact workload

    @property
    def pause(self) -> float:
        """Seconds before each block, as in the race."""
        return pause_of(len(self.cores))

    def preparation(self, arm: Arm) -> Prepare:
        """The command that makes a worker prepare an arm."""
        cores = cores_for(arm, self.cores, self.everywhere)
        return prepare(arm, cores=cores, probe=probe_for(arm.setting), file=self.file)

    def draft(self, arm: Arm) -> ProfileDraft:
        """A profile with nothing in it."""
        profile = Profile(run=self.plan.run, arm=arm, status="ok")
        return ProfileDraft(profile, self.store.profiled(self.race, arm.slug).resolve())

    def worker(self, stack: ExitStack, arm: Arm, name: str) -> Worker:
        """A worker that has been asked nothing yet; `name` is for its log."""
        cache = (self.store.path / "cache" / arm.slug).resolve()
        log = self.store.path / "logs" / self.race.slug / "profile" / f"{arm.slug}-{name}.log"
        variables = variables_for(arm, cores_for(arm, self.cores, self.everywhere), cache)
        return stack.enter_context(
            Worker(arm, everywhere=self.everywhere, variables=variables, log=log, limit=self.plan.limit)
        )


def profile(
    plan: Plan, store: Store, arms: Sequence[Arm] | None = None, *, native: bool = False
) -> Generator[Progress, None, None]:
    """Profiles arms of a plan and writes their profiles into the store, race by race.

    arms    None for all but the twins, which are copies, the watched ones, which draw, and the floors of steps
    native  whether py-spy sees C and C++ frames too; the arm is then stopped for each sample

    An arm that cannot be profiled has a profile that says why. Raises StoreError when nothing can be written, and while
    another process measures into the same store.
    """
    begin, everywhere = clock.now(), allowed_cores()
    chosen = {race.slug: [arm for arm in race.arms if _is_chosen(arm, arms)] for race in plan.races}
    done, passes = 0.0, sum(map(len, chosen.values())) * len(PASSES)
    with ExitStack() as stack:
        stack.enter_context(store.alone())
        stack.callback(os.sched_setaffinity, 0, everywhere)
        for race in plan.races:
            for doing, just_done in _profile(plan, store, race, chosen[race.slug], everywhere, native):
                elapsed, done = clock.now() - begin, done + just_done
                a_pass = elapsed / done if done else GUESS
                yield Progress(doing, elapsed, elapsed + a_pass * max(0.0, passes - done))


def _is_chosen(arm: Arm, arms: Sequence[Arm] | None) -> bool:
    if has_ranks(arm):
        return False
    if arms is not None:
        return arm in arms
    return arm.role != "twin" and arm.setting.watch == "none" and arm.implementation not in FLOORS


def _profile(
    plan: Plan, store: Store, race: Race, arms: Sequence[Arm], everywhere: list[int], native: bool
) -> Iterator[tuple[str, float]]:
    """Yields what is being done, and how many passes were made since the last yield; starting counts as half of one."""
    cores = everywhere[-race.reference.setting.threads :]
    os.sched_setaffinity(0, [core for core in everywhere if core not in cores] or everywhere)
    step = race.reference.setting.is_step
    file = str(steps.find(race.workload, Path(plan.folder) if plan.folder else None).path) if step else ""
    course = _Course(race, plan, store, cores, everywhere, native, file)
    if arms and not step:  # how much data a step reads is not known
        yield "what the machine can do", 0.0
        _measure_machine(course)
    for first in range(0, len(arms), TOGETHER):
        drafts = [course.draft(arm) for arm in arms[first : first + TOGETHER]]
        with ExitStack() as stack:
            yield f"starting {len(drafts)} arms", 0.0
            passes = [one for one in _started(course, stack, _passes(drafts)) if one.live]
            half = len(drafts) * len(PASSES) / 2
            yield (
                f"timing {len(drafts)} arms, with all of their data and with next to none",
                half,
            )
            order = random.Random(f"{plan.seed} {race.slug} {first}")
            time_together(passes, order, course.pause)
            yield from _drawn_anew(course, stack, passes, order)
            meters = stack.enter_context(gauges({arm.setting.device for arm in arms} if passes else ()))
            full = [one for draft in drafts for one in passes if one.draft is draft and one.name == "full"]
            for one in full:
                yield f"{one.draft.profile.arm.name}: counts", 0.0
                one.attempt(partial(count, gauge=meters.get(one.setting.device)))
            yield f"PyTorch's profiler on {len(drafts)} arms", 0.0
            record_sessions(passes, order, course.pause)
            yield "PyTorch's profiler: done", half / 2
            for one in full:
                if step:
                    one.attempt(look_into_modules)
                if step and one.draft.profile.arm.role == "reference":
                    one.attempt(find_patterns)
                yield f"{one.draft.profile.arm.name}: trace, py-spy", 0.0
                one.attempt(partial(trace_and_sample, store=store, native=native))
                one.worker.kill()
                yield f"{one.draft.profile.arm.name}: done", len(PASSES) / 4
        for draft in drafts:
            store.write_profile(race, draft.profile)


def _measure_machine(course: _Course) -> None:
    """What the race's cores can do, over as much data as the race has; a race goes without where that fails."""
    setting = course.race.reference.setting
    size = setting.rows * (setting.features + 1) * setting.item_bytes
    command = MeasureMachine(
        cores=tuple(course.cores), working_set=size, threads=setting.threads, device=setting.device
    )
    with ExitStack() as stack:
        worker = course.worker(stack, course.race.reference, "roofline")
        try:
            machine = worker.ask(command).machine
        except ArmFault:
            return  # its log says why
    course.store.write_machine(course.race, machine)


def _drawn_anew(
    course: _Course, stack: ExitStack, passes: list[PassRun], order: random.Random
) -> Iterator[tuple[str, float]]:
    """Replaces processes that are not like those that were raced by others; a few times, because it is chance."""
    records, _ = course.store.records()
    raced = {arm: seconds_per_update([record for record in records if record.arm == arm]) for arm in course.race.arms}
    for _ in range(MOST_DRAWN - 1):
        strange = [one for one in passes if unlike(one, raced[one.draft.profile.arm])]
        if not strange:
            return
        yield f"timing {len(strange)} arms in other processes, like those that were raced", 0.0
        for one in strange:
            one.worker.kill()
            passes.remove(one)
            one.draft.keep(drawn=one.draft.profile.drawn + 1)
        full = [one for one in _passes([one.draft for one in strange]) if one[1] == "full"]
        passes += [one for one in _started(course, stack, full) if one.live]
        time_together(passes, order, course.pause)


def _started(
    course: _Course, stack: ExitStack, passes: Iterable[tuple[ProfileDraft, PassName, Arm]]
) -> Iterator[PassRun]:
    """These passes, as soon as their workers have built the arm; of one that could not, the draft says why."""
    waiting, starting = deque(passes), list[PassRun]()
    while waiting or starting:
        while waiting and len(starting) < len(course.everywhere):
            draft, name, arm = waiting.popleft()
            if draft.profile.status != "ok":
                continue
            one = PassRun(draft, name, arm.setting, course.worker(stack, arm, name))
            one.worker.begin(course.preparation(arm))
            starting.append(one)
        select([one.worker for one in starting], [], [], 1.0)
        for one in list(starting):
            one.attempt(_listen)
            if one.prepared or not one.live:
                starting.remove(one)
                yield one


def _passes(drafts: Sequence[ProfileDraft]) -> Iterator[tuple[ProfileDraft, PassName, Arm]]:
    """The arms at the settings of the passes; where there is none, the draft says why."""
    for name in PASSES:
        for draft in drafts:
            arm = draft.profile.arm
            try:
                yield draft, name, replace(arm, setting=setting_for(name, arm))
            except SettingError as error:
                draft.lack(name, str(error))


def _listen(one: PassRun) -> None:
    if one.worker.arrived(0.0):
        one.prepared = one.worker.answer(Prepared)
