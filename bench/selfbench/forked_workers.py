"""Whether a forked worker is as fast as one that started by itself: each default arm both ways, in the same laps."""

import os
import random
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.processes import memory_layout
from bench.processes.arm_process import can_be_forked
from bench.processes.fork_server import OWN_MEMORY
from bench.processes.fork_servers import Servers
from bench.processes.worker_process import allowed_cores
from bench.results import statistics
from bench.results.record import Arm, Record
from bench.results.statistics import Estimate
from bench.runner.arm_run import ArmRun
from bench.runner.laps import Laps
from bench.runner.plan import Choice, make_plan
from bench.runner.setup import Setup
from bench.selfbench.figure import Figure
from impls.contract import Oracle, catalogue

LIMIT = 120.0  # seconds that a step of an arm may take
LAP_SECONDS = 1.0  # of laps in each round: two arms have some thirty laps then


def figures(rounds: int) -> Iterator[Figure]:
    """The ratio of forked to fresh over so many rounds, for each arm of a default run that can be forked."""
    (race,) = make_plan(Choice(), command="python -m bench run").races
    setting = race.reference.setting
    workload = catalogue.workloads()[race.workload]
    oracle = workload.oracle(workload.problem(setting), setting)
    everywhere = allowed_cores()
    with TemporaryDirectory(prefix="looprace-forked-") as folder, ExitStack() as stack:
        stack.callback(os.sched_setaffinity, 0, everywhere)
        os.sched_setaffinity(0, everywhere[:1])
        servers = stack.enter_context(Servers(Path(folder, "servers.log"), everywhere, LIMIT))
        setup = Setup(everywhere[-1:], everywhere, LIMIT)
        for arm in race.arms:
            if arm.role == "twin" or arm.setting.watch != "none" or not can_be_forked(arm):
                continue
            logarithms = [_round(arm, oracle, setup, servers, Path(folder), number) for number in range(1, rounds + 1)]
            yield _figure(arm, statistics.estimate(logarithms))


def _figure(arm: Arm, ratio: Estimate) -> Figure:
    low, high = ratio.low or 0.0, ratio.high or 0.0
    said = f"{ratio.value:.4f} ({low:.4f} to {high:.4f}), {ratio.rounds} rounds"
    return Figure(f"forked over fresh, {arm.name}", said, "1 is in the interval, or within 1 %", _is_near(low, high))


def _is_near(low: float, high: float) -> bool:
    return low <= 1 <= high or (low >= 0.99 and high <= 1.01)


def _round(arm: Arm, oracle: Oracle, setup: Setup, servers: Servers, folder: Path, number: int) -> float:
    """The logarithm of forked over fresh, the median over laps of a round, at one drawn place in memory."""
    order = random.Random(f"{arm.slug} {number}")
    place = servers.begin_round(arm, [sys.executable], order)
    if place is None:
        raise RuntimeError("no server can be started here: see its log")
    layout = memory_layout.random_layout(order) | place.fixed | {OWN_MEMORY: "1"}
    setup = Setup(setup.cores, setup.everywhere, setup.limit, layout)
    ways = {"forked": place.live[sys.executable], "fresh": None}
    runs = {way: ArmRun(arm, oracle) for way in ways}
    with ExitStack() as stack:
        for way in order.sample(list(ways), len(ways)):
            log = folder / "logs" / f"{arm.slug}-{number}-{way}.log"
            with memory_layout.fixed_addresses():
                runs[way].start(stack, setup, log=log, cache=folder / "cache" / arm.slug, server=ways[way])
        for run in runs.values():
            while not run.started():
                pass
        for _ in Laps(LAP_SECONDS, 1, {}).race(list(runs.values()), order, {"blocks": 0.0}, None):
            pass
    servers.learn([run.loaded for run in runs.values()])
    forked, fresh = (_record(run, number) for run in runs.values())
    return statistics.round_logarithms([forked], [fresh])[number]


def _record(run: ArmRun, number: int) -> Record:
    return run.record(run="forked", number=number, started="", caveats=(), round_seconds=0.0, spent={})
