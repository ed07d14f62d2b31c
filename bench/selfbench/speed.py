"""Measures what looprace promises about itself: spread of its results, overhead, memory, speed."""

import json
import math
import os
import random
import statistics as standard
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import clock
from bench.processes.worker_process import ROOT, allowed_cores
from bench.results import statistics
from bench.results.record import Job, Judgement, Record, Weights
from bench.results.scores.ranks import steadiness
from bench.results.store import Store
from bench.runner.loss_curve import loss_curve_of
from bench.runner.plan import Choice, make_plan
from bench.selfbench import (
    climbs,
    costs_in_steps,
    forked_workers,
    gate_calibration,
    gate_session,
    planted_costs,
    referee_score,
    step_trials,
    written_files,
)
from bench.selfbench.figure import Figure
from bench.selfbench.ranks import sittings
from impls.contract import catalogue

PREFIX = "looprace-selfbench-"  # of temporary folders

# The same loop as impls/linear/nn_sgd.py, bare in one process: no harness, no contract, only the clock around it.
BARE = """
import os, sys
os.sched_setaffinity(0, {int(sys.argv[1])})
import numpy as np, torch
from bench import clock
torch.set_num_threads(1)
from impls.contract.catalogue import workloads
problem = workloads()["linear/line"].problem(workloads()["linear/line"].setting())
x = torch.from_numpy(problem.data["x"]); y = torch.from_numpy(problem.data["y"])[:, None]
model = torch.nn.Linear(1, 1); criterion = torch.nn.MSELoss(); optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
def advance(updates):
    for _ in range(updates):
        loss = criterion(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
advance(500)
found = []
for _ in range(int(sys.argv[2])):
    begin = clock.now()
    advance(40)
    found.append((clock.now() - begin) / 40)
print(float(np.median(found)))
"""

# Runs the command line, then prints the peak memory of this one process.
WEIGHED = """
import resource, runpy, sys
sys.argv = ["bench", *sys.argv[1:]]
try:
    runpy.run_module("bench", run_name="__main__")
finally:
    print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, file=sys.stderr)
"""


def spread(threads: int, repetitions: int) -> Iterator[Figure]:
    """A/A: the twin's ratio over repeated quick races."""
    ratios, covered, walls = [], 0, []
    for _ in range(repetitions):
        with TemporaryDirectory(prefix=PREFIX) as results:
            begin = clock.now()
            document, _ = _run(results, "--effort", "quick", "--threads", str(threads))
            walls.append(clock.now() - begin)
        twin = document["races"][0]["twin"]
        ratios.append(twin["ratio"])
        covered += twin["low"] <= 1 <= twin["high"]
    deviation = standard.stdev(math.log(ratio) for ratio in ratios)
    most = 0.02 if threads == 1 else 0.03
    listed = " ".join(f"{ratio:.4f}" for ratio in ratios)
    yield Figure(
        f"twin's ratio, {threads} thread(s), {repetitions} quick races",
        f"standard deviation {deviation:.2%} ({listed})",
        f"at most {most:.0%}",
        deviation <= most,
    )
    yield Figure(
        f"its 95 % interval holds 1, {threads} thread(s)",
        f"{covered} of {repetitions}",
        "at least nine of ten",
        covered >= 0.9 * repetitions,
    )
    yield Figure("a quick run, wall time", f"at most {max(walls):.0f} s", "under 60 s", max(walls) < 60)


def overhead() -> Iterator[Figure]:
    """Share of a default run that is not spent in workers (start, build, job, blocks); memory of the main process."""
    with TemporaryDirectory(prefix=PREFIX) as results:
        begin = clock.now()
        document, peak = _run(results)
        wall = clock.now() - begin
        rounds = {record.round: record for record in _records(document)}.values()
    useful = sum(sum(record.spent.values()) for record in rounds)
    yield Figure("a default run, wall time", f"{wall:.0f} s", "under 360 s", wall < 360)
    yield Figure("of that, the harness", f"{1 - useful / wall:.1%}", "at most 5 %", useful >= 0.95 * wall)
    yield Figure("the main process's peak memory", f"{peak / 1e6:.0f} MB", "under 300 MB", peak < 300e6)


def tax(pairs: int) -> Iterator[Figure]:
    """What racing adds to a loop: eager nn_sgd raced, and the same loop by itself right before and right after."""
    core = str(allowed_cores()[-1])
    logarithms = []
    short = ("--effort", "quick", "--implementation", "linear/nn_sgd", "--rounds", "1", "--updates", "500")
    for _ in range(pairs):
        before = float(_python("-c", BARE, core, "100").stdout)
        with TemporaryDirectory(prefix=PREFIX) as results:
            records = _records(_run(results, *short)[0])
        raced = next(record for record in records if record.arm.role == "reference")
        after = float(_python("-c", BARE, core, "100").stdout)
        logarithms.append(math.log(standard.median(raced.per_update.values()) / math.sqrt(before * after)))
    estimate = statistics.estimate(logarithms)
    low, high = (estimate.low or 0.0) - 1, (estimate.high or 0.0) - 1
    yield Figure(
        f"raced over bare, eager nn_sgd, {pairs} pairs",
        f"{estimate.value - 1:+.1%} ({low:+.1%} to {high:+.1%})",
        "within 3 %",
        abs(estimate.value - 1) <= 0.03,
    )


def answers(repetitions: int) -> Iterator[Figure]:
    """How long the command line takes to answer."""
    for arguments, most in ((("--help",), 0.3), (("list",), 1.0)):
        walls = []
        for _ in range(repetitions):
            begin = clock.now()
            _python("-m", "bench", *arguments)
            walls.append(clock.now() - begin)
        sentence = f"median {standard.median(walls):.2f} s, at most {max(walls):.2f} s"
        yield Figure(f"python -m bench {arguments[0]}", sentence, f"{most:g} s", standard.median(walls) <= most)


def reports() -> Iterator[Figure]:
    """Time and memory of a report over 10 000 made-up records: all arms of a thorough run, in many rounds."""
    with TemporaryDirectory(prefix=PREFIX) as results:
        store = _crowd(Path(results), 10_000)
        begin = clock.now()
        done = _python("-c", WEIGHED, "report", str(store.path), "--json")
        wall = clock.now() - begin
        page = (store.path / "index.html").stat().st_size
    yield Figure("a report over 10 000 records, wall time", f"{wall:.1f} s", "at most 10 s", wall <= 10)
    yield Figure("its peak memory", f"{_peak(done) / 1e6:.0f} MB", "at most 500 MB", _peak(done) <= 500e6)
    yield Figure("its page", f"{page / 1e6:.1f} MB")


def _crowd(results: Path, count: int) -> Store:
    """A made-up run with so many records, in which arm k takes 1.1^k * 100 µs per update, within 1 %."""
    plan = make_plan(Choice(effort="thorough"), command="python -m bench run", run="made-up")
    store = Store.create(results)
    store.write_plan(plan, {})
    race = plan.races[0]
    store.write_sources([arm.implementation for arm in race.arms])
    workload, setting = catalogue.workloads()[race.workload], race.reference.setting
    problem = workload.problem(setting)
    descent = loss_curve_of(problem, workload.oracle(problem, setting), setting)
    assert descent is not None
    store.write_loss_curve(race, descent)
    weight, bias = descent.parameters[-1]
    weights: Weights = {"weight": [weight], "bias": bias}
    noise = random.Random(1)
    for number in range(1, count // len(race.arms) + 2):
        records = [
            Record(
                run="made-up",
                arm=arm,
                round=number,
                status="ok",
                started="2026-11-23T00:00:00+00:00",
                work=catalogue.implementations()[arm.implementation].work,
                import_seconds=1.0,
                build_seconds=0.1,
                first_seconds=1.1**place / 100,
                updates_per_block=100,
                laps=tuple(range(1, 21)),
                blocks=tuple(1e-4 * 1.1**place * noise.lognormvariate(0, 0.01) for _ in range(20)),
                job=Job(seconds=1.1**place / 100, updates=setting.updates, weights=weights) if number == 1 else None,
                judgements=tuple(
                    Judgement(
                        when=when, updates=setting.updates, loss=0.122, distance=1e-7, tolerance=1e-4, weights=weights
                    )
                    for when in ("first update", "probe", "blocks")
                ),
                peak_resident_bytes=300_000_000,
            )
            for place, arm in enumerate(race.arms)
        ]
        store.write_round(race, number, records)
    return store


def attribution() -> Iterator[Figure]:
    """Whether attributions add up for every default arm, and whether planted costs are reported where they belong."""
    with TemporaryDirectory(prefix=PREFIX) as results:
        done = _python("-m", "bench", "run", "--profile", "--json", "--results", results)
    (race,) = json.loads(done.stdout)["races"]
    for attributed in race["attributions"]:
        off = attributed["unexplained"]
        mode = attributed["setting"]["mode"]
        yield Figure(
            f"unexplained, {attributed['implementation']} {mode}", f"{off:+.1%}", "within 10 %", abs(off) <= 0.1
        )
    for result in planted_costs.findings():
        shares = f"{result.found * 1e6:.1f} of {result.cost * 1e6:.1f} µs"
        sentence = f"{shares} ({result.off:+.0%}; by itself {result.bare * 1e6:.1f} µs)"
        yield Figure(f"planted: {result.plant.what}", sentence, "within 15 %", abs(result.off) <= 0.15)
    yield from costs_in_steps.figures(3)


def ranks(count: int) -> Iterator[Figure]:
    """How well the order of arms repeats over so many quick runs, and in other tools."""
    for one in steadiness(sittings.series(count, Path("results/ranks"))):
        told = "" if one.told is None else f", {one.told} of them called different both times"
        yield Figure(
            f"order of {one.pairs} pairs of arms in {one.sittings} runs of {one.tool}",
            f"{one.swapped} pairs change places{told}; two runs are {one.usual:.1%} apart, at most {one.worst:.1%}; "
            f"{one.took:.0f} s a run",
            "" if one.told is None else "no pair that is called different changes places",
            None if one.told is None else one.told == 0,
        )


HOURS = (
    "gate",
    "gate_unchanged",
    "gate_whole",
    "gate_phase",
    "score",
    "referee",
    "climb",
    "search",
    "written",
    "forked",
    "ranks",
)  # parts that take hours
PARTS: dict[str, Callable[[int], Iterator[Figure | str]]] = {
    "answers": lambda repetitions: answers(repetitions),
    "reports": lambda _: reports(),
    "tax": lambda repetitions: tax(repetitions),
    "attribution": lambda _: attribution(),
    "overhead": lambda _: overhead(),
    "spread": lambda repetitions: spread(1, repetitions),
    "spread2": lambda repetitions: spread(2, repetitions),
    "gate": lambda sessions: gate_calibration.figures(sessions, Path("results/exam")),
    "gate_unchanged": lambda count: step_trials.figures("unchanged", count, Path("results/exam-steps")),
    "gate_whole": lambda count: step_trials.figures("whole", count, Path("results/exam-steps")),
    "gate_phase": lambda count: step_trials.figures("phase", count, Path("results/exam-steps")),
    "referee": lambda seeds: referee_score.figures(seeds, Path("results/referee")),
    "climb": lambda count: climbs.climbs(count, Path("results/climbs")),
    "search": lambda count: climbs.search(count, Path("results/climbs"), Path("results/search")),
    "written": lambda count: written_files.figures(count, Path("results/climbs")),
    "score": lambda sessions: gate_session.figures(sessions, Path("results/score")),
    "forked": lambda rounds: forked_workers.figures(rounds),
    "ranks": lambda count: ranks(count),
}


def _run(results: str, *arguments: str) -> tuple[dict[str, Any], int]:
    """A run of the command line: its document, and the main process's peak memory in bytes."""
    done = _python("-c", WEIGHED, "run", "--json", "--results", results, *arguments)
    return json.loads(done.stdout), _peak(done)


def _peak(done: subprocess.CompletedProcess[str]) -> int:
    """The peak memory that a WEIGHED command line printed, in bytes."""
    line = next(line for line in reversed(done.stderr.splitlines()) if line.startswith("peak"))
    return int(line.split()[1])


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=os.environ, capture_output=True, text=True, check=True
    )


def _records(document: dict[str, Any]) -> Sequence[Record]:
    return Store(Path(document["run"])).records()[0]
