"""Carries a plan out: rounds of fresh processes, laps in random order, one record an arm and round. Yields, never prints.

The person at the door is told of progress between steps, by what the generators yield: while an arm is timed, this
process is blocked on a pipe and does nothing at all.
"""

import os
import random
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from select import select
from statistics import median

from bench import clock
from bench.results import statistics
from bench.results.record import MEASURED, Plan, Race, Record
from bench.results.store import Store
from bench.runner.arm_run import ArmRun, Block
from bench.runner.loss_curve import descent_of
from bench.runner.worker_process import allowed_cores
from bench.system import environment
from bench.system.telemetry import Gauge, gauges
from impls.contract import Oracle, catalogue

BLOCK_SECONDS = 0.015  # aimed at; longer only where one update, or the stretch between two looks, takes longer
FEWEST_LAPS, MOST_LAPS = 20, 250
UNTOLD = ("rows", "features")  # swept: then the jobs are short, and no picture shows a descent a size
SLEEP_BEFORE_VISIT = 0.010  # so that the idle arms' OpenMP threads have gone to sleep; needed with several threads only


@dataclass(frozen=True)
class Progress:
    """Where a run stands: a race and round, what is being done, and seconds so far and expected in all."""

    race: Race
    round: int
    doing: str
    elapsed: float
    expected: float


@dataclass
class _Course:
    """What a race keeps from round to round."""

    race: Race
    plan: Plan
    store: Store
    oracle: Oracle
    live: bool
    cores: list[int]
    everywhere: list[int]
    gauges: Mapping[str, Gauge]
    blocks: dict[tuple[object, ...], Block] = field(default_factory=dict)


def run(plan: Plan, store: Store, *, live: bool = False) -> Generator[Progress, None, None]:
    """Carries out what is missing of a plan, race by race; finished rounds stay as they are.

    live  whether watched jobs may open a window

    Raises WriteError when a record cannot be written, StoreError when one cannot be read or another process writes there.
    """
    begin = clock.now()
    everywhere = allowed_cores()
    with ExitStack() as stack:
        stack.enter_context(store.alone())
        store.write_sources(sorted({arm.implementation for race in plan.races for arm in race.arms}))
        stack.callback(os.sched_setaffinity, 0, everywhere)
        found = stack.enter_context(gauges(arm.setting.device for race in plan.races for arm in race.arms))
        for number, race in enumerate(plan.races):
            left = plan.budget - (clock.now() - begin) - sum(_wall(store, other) for other in plan.races[number + 1 :])
            share = max(0.0, left) / (len(plan.races) - number)
            started = clock.now()
            for number_of_round, doing, forecast in _race(plan, store, race, share, everywhere, live, found):
                later = share * (len(plan.races) - number - 1)
                yield Progress(race, number_of_round, doing, clock.now() - begin, started - begin + forecast + later)


def _wall(store: Store, race: Race) -> float:
    """Seconds that the finished rounds of a race took."""
    return sum(
        max((record.round_seconds for record in records), default=0.0) for records in store.rounds(race).values()
    )


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
    setting = race.reference.setting
    workload = catalogue.workloads()[race.workload]
    problem = workload.problem(setting)
    oracle = workload.oracle(problem, setting)
    if plan.swept not in UNTOLD and (found := descent_of(problem, oracle, setting)):
        store.write_descent(race, found)
    cores = everywhere[-setting.threads :]
    course = _Course(race, plan, store, oracle, live, cores, everywhere, gauges)
    done = store.rounds(race)
    for record in (record for records in done.values() for record in records):
        if record.updates_per_block:
            course.blocks[record.arm.block_key] = Block(record.updates_per_block, median(record.blocks))
    elsewhere = [core for core in everywhere if core not in cores]
    os.sched_setaffinity(0, elsewhere or everywhere)
    spent = _wall(store, race)
    longest = 0.0
    for number in range(1, plan.rounds[1] + 1):
        if number in done:
            continue
        enough = len(done) >= plan.rounds[0]
        if enough and (spent + longest > share or _precise(plan, race, done)):
            break
        begin = clock.now()
        fixed = plan.rounds[0] == plan.rounds[1] and longest
        forecast = spent + longest * (plan.rounds[1] - number + 1) if fixed else max(share, spent + longest)
        yield from ((number, doing, forecast) for doing in _round(course, number, _unfit(done)))
        done[number] = store.rounds(race)[number]
        spent += clock.now() - begin
        later = [
            max(r.round_seconds - r.spent.get("job", 0.0) for r in records) for records in done.values() if records
        ]
        longest = max(later[1:], default=later[0])


def _unfit(done: dict[int, list[Record]]) -> set[str]:
    """The arms that ended without a measurement; they are not tried again."""
    return {r.arm.slug for records in done.values() for r in records if r.status not in MEASURED}


def _precise(plan: Plan, race: Race, done: dict[int, list[Record]]) -> bool:
    """Whether every unwatched arm's ratio is known to the plan's precision. The width decides, never the value."""
    records = [record for each in done.values() for record in each]
    by_arm = {arm: [r for r in records if r.arm == arm and r.blocks] for arm in race.arms}
    ratios = [
        statistics.ratio(mine, by_arm[race.reference])
        for arm, mine in by_arm.items()
        if arm.role != "reference" and arm.setting.watch == "none" and mine
    ]
    return all(ratio.half_width <= plan.precision for ratio in ratios if ratio is not None)


def _round(course: _Course, number: int, unfit: set[str]) -> Iterator[str]:
    """One round, from fresh processes to records. In round 1 each arm also does the whole job, the twin excepted."""
    begin, started = clock.now(), clock.today()
    before = environment.Pressure.now()
    spent = {"start": 0.0, "job": 0.0, "blocks": 0.0}
    order = random.Random(f"{course.plan.seed} {course.race.slug} {number}")
    with ExitStack() as stack:
        alone = course.plan.alone and number == 1
        seats = [
            ArmRun(arm, course.oracle, alone=alone, gauge=course.gauges.get(arm.setting.device))
            for arm in course.race.arms
            if arm.slug not in unfit
        ]
        order.shuffle(seats)
        for group in [[seat] for seat in seats] if alone else [seats]:
            yield f"starting {group[0].arm.name if alone else f'{len(group)} arms'}"
            _start(course, stack, number, group, spent)
            for seat in group:
                if number == 1 and seat.live and seat.trains and seat.arm.role != "twin":
                    yield f"the whole job: {seat.arm.name}"
                    spent["job"] += seat.do_job(course.store.path / "pictures" / f"{seat.arm.slug}.gif")
        yield from _laps(course, seats, order, spent)
        for seat in seats:
            seat.finish()
    seconds = clock.now() - begin
    caveats = environment.caveats_between(before, environment.Pressure.now(), seconds)
    records = [
        seat.record(
            run=course.plan.run, number=number, started=started, caveats=caveats, round_seconds=seconds, spent=spent
        )
        for seat in seats
    ]
    course.store.write_round(course.race, number, records)
    yield "round written"


def _start(course: _Course, stack: ExitStack, number: int, seats: Sequence[ArmRun], spent: dict[str, float]) -> None:
    """Brings the arms to their start, as many at a time as there are cores; alone when there is only one."""
    begin = clock.now()
    waiting, starting = deque(seats), list[ArmRun]()
    while waiting or starting:
        while waiting and len(starting) < len(course.everywhere):
            seat = waiting.popleft()
            log = course.store.log(course.race, number, seat.arm.slug)
            cache = course.store.path / "cache" / seat.arm.slug
            seat.open(stack, course.cores, course.everywhere, log, cache, course.plan.limit, course.live)
            starting.append(seat)
        select([seat.worker for seat in starting], [], [], 1.0)
        starting = [seat for seat in starting if not seat.started(wait=0.0)]
    spent["start"] += clock.now() - begin


def _laps(course: _Course, seats: Sequence[ArmRun], order: random.Random, spent: dict[str, float]) -> Iterator[str]:
    """A lap visits every live arm once, in a fresh random order. Lap 0 settles the arms and is not recorded.

    An arm whose block is much longer than a lap of the others (it draws, say) is visited in every k-th lap only, so that
    it takes no more time than the others together.
    """
    pause = SLEEP_BEFORE_VISIT if len(course.cores) > 1 else 0.0
    yield "calibrating"
    for seat in seats:
        key = seat.arm.block_key
        if seat.live and key not in course.blocks and (block := seat.calibrate(BLOCK_SECONDS, pause)) is not None:
            course.blocks[key] = block
    racing = [seat for seat in seats if seat.live]
    lap_seconds = sum(min(course.blocks[seat.arm.block_key].seconds, 2 * BLOCK_SECONDS) + pause for seat in racing)
    laps = max(FEWEST_LAPS, min(MOST_LAPS, int(course.plan.lap_seconds / lap_seconds))) if racing else 0
    for seat in racing:
        block = course.blocks[seat.arm.block_key]
        seat.start_laps(block, every=max(1, round(block.seconds / lap_seconds)))
    for lap in range(laps + 1):
        racing = [seat for seat in seats if seat.live and lap % seat.every == 0]
        for seat in order.sample(racing, len(racing)):
            clock.pause(pause)
            spent["blocks"] += seat.visit(lap)
        if lap % 25 == 0:
            yield f"lap {lap} of {laps}"
