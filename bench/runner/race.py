"""Runs a plan: rounds of fresh processes, laps in random order, one record for each arm and round. Yields, never prints.

Progress is shown between steps, by what the generators yield: while an arm is timed, this process is blocked on a pipe and
does nothing at all.
"""

import os
import random
import sys
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from select import select
from statistics import median

from bench import clock
from bench.processes.fork_server import ALWAYS, LATER, ForkServer
from bench.processes.worker_process import allowed_cores, can_be_forked, variables_for
from bench.progress import Progress
from bench.results.record import Arm, Plan, Race, Record
from bench.results.store import Store, writing
from bench.runner.arm_run import ArmRun, Block, Setup, block_of
from bench.runner.diagnosis import Diagnoses
from bench.runner.done_rounds import is_precise, resting_arms, round_seconds, unfit_arms
from bench.runner.heats import heats_of, memory_available
from bench.runner.loss_curve import loss_curve_of
from bench.runner.referee import StepReferee
from bench.runner.resume import check_data
from bench.system import environment
from bench.system.telemetry import Gauge, gauges
from impls.contract import Oracle, catalogue
from impls.recipe import steps

BLOCK_SECONDS = 0.015  # aimed at; longer only where one update, or the stretch between two looks, takes longer
FEWEST_LAPS, MOST_LAPS = 20, 250
LEAST_LAPS, LONGEST = 3, 4  # where an update takes seconds
WORTH_A_SERVER = 4  # workers of a round: loading torch and the compiler once takes as long as starting about three
NO_LOSS_CURVE = ("rows", "features")  # swept: the jobs are short then, and no figure shows a loss curve of each size
SLEEP_BEFORE_SAMPLE = (
    0.010  # so that the idle arms' OpenMP threads have gone to sleep; needed with several threads only
)


@dataclass(frozen=True)
class RoundProgress(Progress):
    """Where a run stands: also the race and the round."""

    race: Race
    round: int


@dataclass
class _Course:
    """What a race keeps from round to round."""

    race: Race
    plan: Plan
    store: Store
    oracle: Oracle | None  # of an exact workload
    setup: Setup
    gauges: Mapping[str, Gauge]
    digest: str  # of the problem; "" for a step
    blocks: dict[tuple[object, ...], Block] = field(default_factory=dict)
    referee: StepReferee | None = None  # of a step
    diagnoses: Diagnoses | None = None  # of a step
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
    plan: Plan, store: Store, *, live: bool = False, keep_cache: bool = False
) -> Generator[RoundProgress, None, None]:
    """Does what is missing of a plan, race by race; finished rounds stay as they are.

    live        whether watched jobs may open a window
    keep_cache  whether what was compiled is kept, for a climb that follows

    Raises WriteError when a record cannot be written, StoreError when one cannot be read or another process writes there.
    """
    begin = clock.now()
    everywhere = allowed_cores()
    with ExitStack() as stack:
        stack.enter_context(store.alone(keep_cache=keep_cache))
        exact = [race for race in plan.races if not race.reference.setting.is_step]
        store.write_sources(sorted({arm.implementation for race in exact for arm in race.arms}))
        stack.callback(os.sched_setaffinity, 0, everywhere)
        meters = stack.enter_context(gauges(arm.setting.device for race in plan.races for arm in race.arms))
        finished = [round_seconds(store.rounds(race)) for race in plan.races]
        for number, race in enumerate(plan.races):
            left = plan.budget - (clock.now() - begin) - sum(finished[number + 1 :])
            share = max(0.0, left) / (len(plan.races) - number)
            started = clock.now()
            for number_of_round, doing, forecast in _race(plan, store, race, share, everywhere, live, meters):
                later = share * (len(plan.races) - number - 1)
                expected = started - begin + forecast + later
                yield RoundProgress(doing, clock.now() - begin, expected, race, number_of_round)


def _race(
    plan: Plan,
    store: Store,
    race: Race,
    share: float,
    everywhere: list[int],
    live: bool,
    gauges: Mapping[str, Gauge],
) -> Iterator[tuple[int, str, float]]:
    """Rounds until the intervals are narrow enough, the most rounds are done, or no time is left for another.

    Yields the round, what is being done, and the seconds that the race is expected to take from its start.
    """
    setup = Setup(everywhere[-race.reference.setting.threads :], everywhere, plan.limit, live=live)
    step = race.reference.setting.is_step
    course = _of_step(plan, store, race, setup, gauges) if step else _of_exact(plan, store, race, setup, gauges)
    done = store.rounds(race)
    check_data(race, chain.from_iterable(done.values()), course.digest)
    for record in (record for records in done.values() for record in records):
        if block := block_of(record):
            course.blocks[record.arm.block_key] = block
    with ExitStack() as stack:
        if step and not _is_done(course, done, round_seconds(done), share):
            yield len(done) + 1, "examining the step: the truth, and what rounding explains", share
            course.referee = _referee(course, stack)
            course.diagnoses = Diagnoses(store, race, course.setup)
            course.heats = heats_of(race.arms, course.referee.resident_bytes, memory_available())
        elsewhere = [core for core in everywhere if core not in setup.cores]
        os.sched_setaffinity(0, elsewhere or everywhere)
        yield from _rounds(course, share, done)


def _of_exact(plan: Plan, store: Store, race: Race, setup: Setup, gauges: Mapping[str, Gauge]) -> _Course:
    """The course of an exact workload, whose loss curve it writes."""
    setting = race.reference.setting
    workload = catalogue.workloads()[race.workload]
    problem = workload.problem(setting)
    oracle = workload.oracle(problem, setting)
    if plan.swept not in NO_LOSS_CURVE and (loss_curve := loss_curve_of(problem, oracle, setting)):
        store.write_loss_curve(race, loss_curve)
    return _Course(race, plan, store, oracle, setup, gauges, problem.digest)


def _of_step(plan: Plan, store: Store, race: Race, setup: Setup, gauges: Mapping[str, Gauge]) -> _Course:
    """The course of a step, whose file is kept; without its referee."""
    file = steps.find(race.workload, Path(plan.folder) if plan.folder else None)
    store.write_step(race, file.path.read_bytes())
    return _Course(race, plan, store, None, replace(setup, file=str(file.path)), gauges, "")


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


def _is_done(course: _Course, done: Mapping[int, Sequence[Record]], seconds: float, share: float) -> bool:
    """Whether a race needs no further round; `seconds` are those that it will have taken, of its share."""
    least, most = course.rounds
    if len(done) >= most:
        return True
    return len(done) >= least and (seconds > share or is_precise(course.plan, course.race, done))


def _rounds(course: _Course, share: float, done: dict[int, list[Record]]) -> Iterator[tuple[int, str, float]]:
    """The rounds that are missing."""
    spent = round_seconds(done)
    longest = 0.0
    least, most = course.rounds
    for number in range(1, most + 1):
        if number in done:
            continue
        if _is_done(course, done, spent + longest, share):
            break
        fixed = least == most and longest
        forecast = spent + longest * (most - number + 1) if fixed else max(share, spent + longest)
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
            ArmRun(arm, course.oracle, alone=alone, gauge=course.gauges.get(arm.setting.device))
            for arm in course.arms(number)
            if arm.slug not in left_out
        ]
        order.shuffle(arm_runs)
        if course.referee is not None:
            for arm_run in arm_runs:
                if reason := course.referee.refusal(arm_run.arm.implementation):
                    arm_run.refuse(reason)
        starting = [arm_run for arm_run in arm_runs if not arm_run.fault_reason]
        server = _server(course, stack, number, starting)
        for group in [[arm_run] for arm_run in starting] if alone else [starting]:
            yield f"starting {group[0].arm.name if alone else f'{len(group)} arms'}"
            _start(course, stack, number, group, spent, server)
            for arm_run in group:
                job = number == 1 and course.oracle is not None and arm_run.arm.role != "twin"
                if job and arm_run.live and arm_run.trains:
                    yield f"the whole job: {arm_run.arm.name}"
                    spent["job"] += arm_run.run_job(course.store.path / "pictures" / f"{arm_run.arm.slug}.gif")
        if course.referee is not None:
            yield from course.referee.judge(starting, len(course.setup.everywhere))
        late = course.is_late(number)
        yield from _laps(course, arm_runs, order, spent, audit=not late or number == 1)
        if late:
            yield from _audit(course, arm_runs, spent, late=True)
        for arm_run in arm_runs:
            arm_run.finish()
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
    check_data(course.race, records, course.digest)
    course.store.write_round(course.race, number, records)
    yield "round written"
    yield records


def _number_of_laps(wanted: float, lap_seconds: float) -> int:
    """As many laps as fit into the wanted seconds; at least FEWEST_LAPS, or fewer where these take LONGEST times as long."""
    fewest = max(LEAST_LAPS, min(FEWEST_LAPS, int(LONGEST * wanted / lap_seconds)))
    return max(fewest, min(MOST_LAPS, int(wanted / lap_seconds)))


def _server(course: _Course, stack: ExitStack, number: int, arm_runs: Sequence[ArmRun]) -> ForkServer | None:
    """What forks the workers of a step's round, where it saves time; None where each starts from nothing.

    The first round of each arm has none: its record says how long the arm takes to start, and how much memory it needs.
    Each round has a server of its own: what its workers have in common, such as the addresses of libraries, must not be
    common to all rounds.
    """
    forked = [arm_run for arm_run in arm_runs if can_be_forked(arm_run.arm)]
    first = number <= max(1, len(course.heats))
    if course.referee is None or first or len(forked) < WORTH_A_SERVER:
        return None
    log = course.store.log(course.race, number, "server")
    with writing(log):
        log.parent.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):  # a worker that starts from nothing will say what is wrong
        server = ForkServer(
            sys.executable,
            variables=variables_for(course.race.reference, course.setup.cores, course.store.cache),
            cores=course.setup.everywhere,
            log=log,
            patience=course.setup.limit,
            packages=(ALWAYS, LATER),
        )
        stack.callback(server.close)
        if server.threads == 1:
            return server
    return None


def _start(
    course: _Course,
    stack: ExitStack,
    number: int,
    arm_runs: Sequence[ArmRun],
    spent: dict[str, float],
    server: ForkServer | None,
) -> None:
    """Brings the arms to their start, as many at a time as there are cores."""
    begin = clock.now()
    waiting, starting = deque(arm_runs), list[ArmRun]()
    while waiting or starting:
        while waiting and len(starting) < len(course.setup.everywhere):
            arm_run = waiting.popleft()
            slug = arm_run.arm.slug
            log = course.store.log(course.race, number, slug)
            arm_run.start(
                stack,
                course.setup,
                log=log,
                cache=course.store.cache / slug,
                server=server if can_be_forked(arm_run.arm) else None,
            )
            starting.append(arm_run)
        select(starting, [], [], 1.0)
        starting = [arm_run for arm_run in starting if not arm_run.started(wait=0.0)]
    spent["start"] += clock.now() - begin


def _laps(
    course: _Course, arm_runs: Sequence[ArmRun], order: random.Random, spent: dict[str, float], *, audit: bool
) -> Iterator[str]:
    """A lap samples every live arm once, in a fresh random order. Lap 0 warms the arms up and is not recorded.

    An arm whose block is much longer than a lap of the others (it draws, say) is sampled in every k-th lap only, so that
    it takes no more time than the others together.

    audit  whether arms of a step are judged at one of the laps
    """
    pause = SLEEP_BEFORE_SAMPLE if len(course.setup.cores) > 1 else 0.0
    yield "calibrating"
    for arm_run in arm_runs:
        key = arm_run.arm.block_key
        if arm_run.live and key not in course.blocks and (block := arm_run.calibrate(BLOCK_SECONDS, pause)) is not None:
            course.blocks[key] = block
    racing = [arm_run for arm_run in arm_runs if arm_run.live]
    seconds = [course.blocks[arm_run.arm.block_key].seconds for arm_run in racing]
    usual = max(BLOCK_SECONDS, median(seconds)) if seconds else BLOCK_SECONDS
    lap_seconds = sum(min(block, 2 * usual) + pause for block in seconds)
    laps = _number_of_laps(course.plan.lap_seconds, lap_seconds) if racing else 0
    for arm_run in racing:
        block = course.blocks[arm_run.arm.block_key]
        arm_run.start_laps(block, every=max(1, round(block.seconds / lap_seconds)))
    audited = order.randint(1, laps) if laps and audit else None  # known to nobody before
    for lap in range(laps + 1):
        if lap == audited:
            yield from _audit(course, arm_runs, spent)
        racing = [arm_run for arm_run in arm_runs if arm_run.live and lap % arm_run.every == 0]
        for arm_run in order.sample(racing, len(racing)):
            clock.pause(pause)
            spent["blocks"] += arm_run.sample(lap)
        if lap % 25 == 0:
            yield f"lap {lap} of {laps}"


def _audit(
    course: _Course, arm_runs: Sequence[ArmRun], spent: dict[str, float], *, late: bool = False
) -> Iterator[str]:
    """Has the arms of a step judged where they are in the race."""
    if course.referee is not None:
        begin = clock.now()
        yield from course.referee.audit(arm_runs, late=late)
        spent["audit"] = spent.get("audit", 0.0) + clock.now() - begin
