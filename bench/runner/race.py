"""Runs a plan: rounds of fresh processes, laps in random order, one record for each arm and round. Yields, never prints.

Progress is shown between steps, by what the generators yield: while an arm is timed, this process is blocked on a pipe and
does nothing at all.
"""

import os
import random
import sys
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from math import inf
from pathlib import Path
from select import select

from msgspec import structs

from bench import clock
from bench.processes import memory_layout
from bench.processes.arm_process import can_be_forked
from bench.processes.fork_server import OWN_MEMORY, ForkServer
from bench.processes.fork_servers import Place, Servers
from bench.processes.worker_process import allowed_cores
from bench.progress import Progress
from bench.results.record import Arm, Plan, Race, Record
from bench.results.store import Store
from bench.runner.arm_run import ArmRun
from bench.runner.block import Block, block_of
from bench.runner.diagnosis import Diagnoses
from bench.runner.done_rounds import Leader, is_precise, leader, resting_arms, round_seconds, unfit_arms
from bench.runner.heats import KEPT_FREE, heats_of, memory_available
from bench.runner.laps import Laps, calibrate, pause_of
from bench.runner.loss_curve import loss_curve_of
from bench.runner.referee import StepReferee
from bench.runner.resume import check_data
from bench.runner.setup import Setup
from bench.system import environment
from bench.system.telemetry import Gauge, gauges
from impls.contract import Oracle, catalogue
from impls.recipe import steps

WORTH_SERVERS = 4  # workers that they would fork: loading torch and the compiler takes as long as starting about three
ALONE = 0.25  # share of a race's time that starting the arms one at a time may take; the others then start together
JOBS = 0.25  # share of a race's time that all whole jobs may take; of what is left of it a watched one may take half
NO_LOSS_CURVE = ("rows", "features")  # swept: the jobs are short then, and no figure shows a loss curve of each size


@dataclass(frozen=True)
class RoundProgress(Progress):
    """Where a run stands: also the race, the round, and which arm is the fastest so far."""

    race: Race
    round: int
    leader: Leader | None


@dataclass
class _Course:
    """What a race keeps from round to round."""

    race: Race
    plan: Plan
    store: Store
    oracle: Oracle | None  # of an exact workload
    setup: Setup
    gauges: Mapping[str, Gauge]
    servers: Servers  # which fork the workers of later rounds
    share: float  # seconds of the budget that are its own
    digest: str  # of the problem; "" for a step
    blocks: dict[tuple[object, ...], Block] = field(default_factory=dict)
    referee: StepReferee | None = None  # of a step
    diagnoses: Diagnoses | None = None  # of a step
    leader: Leader | None = None  # after the rounds that are done
    heats: Sequence[Sequence[Arm]] = ()  # the arms of each round in turn; () where all of them fit into memory

    def is_late(self, number: int) -> bool:
        """Whether a round is the last one that is made in any case: then arms are judged once late in their race."""
        least, _ = self.rounds
        return least - max(1, len(self.heats)) < number <= least

    def arms(self, number: int) -> Sequence[Arm]:
        """The arms of a round."""
        return self.heats[(number - 1) % len(self.heats)] if self.heats else self.race.arms

    @property
    def rounds(self) -> tuple[int, int]:
        """The least and the most rounds; each heat needs as many as a race whose arms all fit."""
        least, most = self.plan.rounds
        count = max(1, len(self.heats))
        return least * count, most * count


def run(
    plan: Plan, store: Store, *, live: bool = False, keep_cache: bool = False, servers: Servers | None = None
) -> Generator[RoundProgress, None, None]:
    """Does what is missing of a plan, race by race; finished rounds stay as they are.

    live        whether watched jobs may open a window
    keep_cache  whether what was compiled is kept, for a climb that follows
    servers     those of a climb, whose races share them; None: the run has its own

    Raises WriteError when a record cannot be written, StoreError when one cannot be read or another process writes there.
    """
    begin = clock.now()
    everywhere, memory = allowed_cores(), int(memory_available() * (1 - KEPT_FREE))
    with ExitStack() as stack:
        stack.enter_context(store.alone(keep_cache=keep_cache))
        exact = [race for race in plan.races if not race.reference.setting.is_step]
        store.write_sources(sorted({arm.implementation for race in exact for arm in race.arms}))
        stack.callback(os.sched_setaffinity, 0, everywhere)
        meters = stack.enter_context(gauges(arm.setting.device for race in plan.races for arm in race.arms))
        servers = servers or stack.enter_context(servers_of(store, plan))
        finished = [round_seconds(store.rounds(race)) for race in plan.races]
        for number, race in enumerate(plan.races):
            left = plan.budget - (clock.now() - begin) - sum(finished[number + 1 :])
            share = max(0.0, left) / (len(plan.races) - number)
            started = clock.now()
            oracle, file, digest = (_of_step if race.reference.setting.is_step else _of_exact)(plan, store, race)
            cores = everywhere[-race.reference.setting.threads :]
            setup = Setup(
                cores, everywhere, plan.limit, live=live, file=file, until=_end_of(plan, begin), memory=memory
            )
            course = _Course(race, plan, store, oracle, setup, meters, servers, share, digest)
            for number_of_round, doing, forecast in _race(course):
                later = share * (len(plan.races) - number - 1)
                expected = started - begin + forecast + later
                yield RoundProgress(doing, clock.now() - begin, expected, race, number_of_round, course.leader)


def _end_of(plan: Plan, begin: float) -> float:
    """When arms that hold up a run are cut off, by the clock: where a budget was typed, after it and one step's limit."""
    least, _ = plan.rounds
    return begin + plan.budget + plan.limit if least == 1 else inf


def servers_of(store: Store, plan: Plan) -> Servers:
    """What forks the workers of a run."""
    return Servers(store.path / "logs" / "servers.log", allowed_cores(), plan.limit)


def _race(course: _Course) -> Iterator[tuple[int, str, float]]:
    """Rounds until the intervals are narrow enough, the most rounds are done, or no time is left for another.

    Yields the round, what is being done, and the seconds that the race is expected to take from its start.
    """
    store, race = course.store, course.race
    done = store.rounds(race)
    check_data(race, chain.from_iterable(done.values()), course.digest)
    for record in (record for records in done.values() for record in records):
        if block := block_of(record):
            course.blocks[record.arm.block_key] = block
    with ExitStack() as stack:
        if race.reference.setting.is_step and not _is_done(course, done, round_seconds(done)):
            yield len(done) + 1, "examining the step: the truth, and what rounding explains", course.share
            course.referee = _referee(course, stack)
            course.diagnoses = Diagnoses(store, race, course.setup)
            course.heats = heats_of(race.arms, course.referee.resident_bytes, memory_available())
        elsewhere = [core for core in course.setup.everywhere if core not in course.setup.cores]
        os.sched_setaffinity(0, elsewhere or course.setup.everywhere)
        yield from _rounds(course, done)


def _of_exact(plan: Plan, store: Store, race: Race) -> tuple[Oracle, str, str]:
    """The oracle of an exact workload, whose loss curve is written; no file; the digest of its problem."""
    setting = race.reference.setting
    workload = catalogue.workloads()[race.workload]
    problem = workload.problem(setting)
    oracle = workload.oracle(problem, setting)
    if plan.swept not in NO_LOSS_CURVE and (loss_curve := loss_curve_of(problem, oracle, setting)):
        store.write_loss_curve(race, loss_curve)
    return oracle, "", problem.digest


def _of_step(plan: Plan, store: Store, race: Race) -> tuple[None, str, str]:
    """The same of a step: it has no oracle and no digest; its file, which is kept."""
    file = steps.find(race.workload, Path(plan.folder) if plan.folder else None)
    store.write_step(race, file.path.read_bytes())
    return None, str(file.path), ""


def _referee(course: _Course, stack: ExitStack) -> StepReferee:
    """The referee of a step, which has examined it; what it found out is written."""
    store, race = course.store, course.race
    referee = StepReferee(
        stack,
        race,
        course.setup,
        log=store.log(race, 0, "judge").parent,
        folder=store.cache / race.slug,
        members=course.plan.members,
    )
    store.write_examined(race, referee.examined)
    return referee


def _is_done(course: _Course, done: Mapping[int, Sequence[Record]], seconds: float) -> bool:
    """Whether a race needs no further round; `seconds` are those that it will have taken, of its share."""
    least, most = course.rounds
    if len(done) >= most:
        return True
    return len(done) >= least and (seconds > course.share or is_precise(course.plan, course.race, done))


def _rounds(course: _Course, done: dict[int, list[Record]]) -> Iterator[tuple[int, str, float]]:
    """The rounds that are missing."""
    spent = round_seconds(done)
    longest = 0.0
    least, most = course.rounds
    for number in range(1, most + 1):
        if number in done:
            continue
        if _is_done(course, done, spent + longest):
            break
        fixed = least == most and longest
        forecast = spent + longest * (most - number + 1) if fixed else max(course.share, spent + longest)
        course.leader = leader(course.race, done)
        for step in _round(course, number, unfit_arms(done) | resting_arms(course.plan, course.race, done)):
            if isinstance(step, str):
                yield number, step, forecast
            else:
                done[number] = step
        spent += round_seconds({number: done[number]})  # without the diagnoses, which are no part of what is measured
        lengths = [
            max(r.round_seconds - r.spent.get("job", 0.0) for r in records) for records in done.values() if records
        ]
        longest = max(lengths[1:], default=lengths[0])


def _round(course: _Course, number: int, left_out: set[str]) -> Iterator[str | list[Record]]:
    """One round, from fresh processes to records: yields what is being done, and last the records, which are written.

    In round 1 each arm also does the whole job, except the twin.
    """
    begin, started = clock.now(), clock.today()
    before = environment.Pressure.now()
    spent = {"start": 0.0, "job": 0.0, "blocks": 0.0}
    order = random.Random(f"{course.plan.seed} {course.race.slug} {number}")
    with ExitStack() as stack:
        alone = course.plan.alone and number == 1
        arm_runs = [
            ArmRun(arm, course.oracle, gauge=course.gauges.get(arm.setting.device))
            for arm in course.arms(number)
            if arm.slug not in left_out
        ]
        order.shuffle(arm_runs)
        if course.referee is not None:
            for arm_run in arm_runs:
                if reason := course.referee.refusal(arm_run.arm.implementation):
                    arm_run.refuse(reason)
        starting = [arm_run for arm_run in arm_runs if not arm_run.fault_reason]
        loading = clock.now()
        place = _place(course, number, starting, order)
        spent["start"] += clock.now() - loading
        layout = memory_layout.random_layout(order) | (place.fixed if place else {})
        setup = replace(course.setup, variables=layout | {OWN_MEMORY: "1"})
        server = place.live[sys.executable] if place else None
        for group in _groups(course, starting, spent, one_at_a_time=alone):
            yield f"starting {group[0].arm.name if len(group) == 1 else f'{len(group)} arms'}"
            _start(course, stack, number, group, spent, setup, server)
            for arm_run in group if number == 1 and course.oracle is not None else []:
                yield f"the whole job: {arm_run.arm.name}"
                _do_job(course, arm_run, spent)
        if course.referee is not None:
            yield from course.referee.judge(starting, len(course.setup.everywhere))
        late = course.is_late(number)
        laps = Laps(course.plan.lap_seconds, len(course.setup.cores), course.blocks)
        audits = partial(_audit, course, arm_runs, spent) if not late or number == 1 else None
        yield from laps.race(arm_runs, order, spent, audits)
        if late:
            yield from _audit(course, arm_runs, spent, late=True)
        for arm_run in arm_runs:
            arm_run.finish()
        for arm_run in arm_runs:
            arm_run.stop()
    course.servers.learn([arm_run.loaded for arm_run in arm_runs if can_be_forked(arm_run.arm)])
    seconds = clock.now() - begin
    caveats = environment.caveats_between(before, environment.Pressure.now(), seconds)
    if course.diagnoses is not None:
        yield from course.diagnoses.complete(arm_runs)
    records = [
        arm_run.record(
            run=course.plan.run, number=number, started=started, caveats=caveats, round_seconds=seconds, spent=spent
        )
        for arm_run in arm_runs
    ]
    records = [structs.replace(record, records=len(records)) for record in records]
    check_data(course.race, records, course.digest)
    course.store.write_round(course.race, number, records)
    yield "round written"
    yield records


def _do_job(course: _Course, arm_run: ArmRun, spent: dict[str, float]) -> None:
    """Has an arm do the whole job, where the time for jobs is enough; else its record says how long it would take."""
    if not arm_run.live or not arm_run.trains or arm_run.arm.role == "twin":
        return
    block = calibrate(arm_run, course.blocks, pause_of(len(course.setup.cores)))
    if block is None:
        return
    updates = arm_run.arm.setting.updates
    needed = updates * block.seconds / block.updates
    left = (JOBS * course.share - spent["job"]) * (1.0 if arm_run.arm.setting.watch == "none" else 0.5)
    if needed > (course.share / 2 if arm_run.arm.role == "reference" else left):
        arm_run.leave_job_out(needed, left)
    else:
        spent["job"] += arm_run.run_job(course.store.path / "pictures" / f"{arm_run.arm.slug}.gif")


def _groups(
    course: _Course, starting: Sequence[ArmRun], spent: Mapping[str, float], *, one_at_a_time: bool
) -> Iterator[Sequence[ArmRun]]:
    """The arms that start together: each alone, until that would take more than its share of the time; then all others."""
    for number, arm_run in enumerate(starting):
        expected = spent["start"] / number * len(starting) if number else 0.0
        if not one_at_a_time or expected > ALONE * course.share:
            yield starting[number:]
            return
        arm_run.alone = True
        yield [arm_run]


def _place(course: _Course, number: int, starting: Sequence[ArmRun], order: random.Random) -> Place | None:
    """What forks the workers of a round, where it saves time; None where each starts from nothing.

    The first round of each arm has none: its record says how long the arm takes to start, and how much memory it needs.
    """
    forked = [arm_run.arm for arm_run in starting if can_be_forked(arm_run.arm)]
    least, _ = course.rounds
    if number <= max(1, len(course.heats)) or len(forked) * max(1, least - number + 1) < WORTH_SERVERS:
        return None
    return course.servers.begin_round(forked[0], [sys.executable], order)


def _start(
    course: _Course,
    stack: ExitStack,
    number: int,
    arm_runs: Sequence[ArmRun],
    spent: dict[str, float],
    setup: Setup,
    server: ForkServer | None,
) -> None:
    """Brings the arms to their start, as many at a time as there are cores.

    setup   what all of them are started with
    server  what forks those that can be forked
    """
    begin = clock.now()
    waiting, starting = deque(arm_runs), list[ArmRun]()
    while waiting or starting:
        while waiting and len(starting) < len(course.setup.everywhere):
            arm_run = waiting.popleft()
            slug = arm_run.arm.slug
            log = course.store.log(course.race, number, slug)
            cache = course.store.cache / slug
            with memory_layout.fixed_addresses():
                try:
                    own = server if can_be_forked(arm_run.arm) else None
                    arm_run.start(stack, setup, log=log, cache=cache, server=own)
                except OSError:
                    if own is None:
                        raise
                    server = None  # it has been ended from outside: what is left starts from nothing
                    arm_run.start(stack, setup, log=log, cache=cache)
            starting.append(arm_run)
        select(starting, [], [], 1.0)
        starting = [arm_run for arm_run in starting if not arm_run.started(wait=0.0)]
    spent["start"] += clock.now() - begin


def _audit(
    course: _Course, arm_runs: Sequence[ArmRun], spent: dict[str, float], *, late: bool = False
) -> Iterator[str]:
    """Has the arms of a step judged where they are in the race."""
    if course.referee is not None:
        begin = clock.now()
        yield from course.referee.audit(arm_runs, late=late)
        spent["audit"] = spent.get("audit", 0.0) + clock.now() - begin
