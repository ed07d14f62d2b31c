"""Kills processes of real runs with SIGKILL, at random times, and looks at what is left."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from msgspec.structs import replace

from bench.processes.worker_process import ROOT
from bench.results.scores.faults import Kill
from bench.results.store import Store, StoreError
from bench.system.reservation import TOGETHER

TOOL = "looprace"
MAIN_PROCESS = "main process"
ROUNDS = 4
COMMANDS = (  # of the runs that are killed: an exact workload, and a step, which has a judge
    ("--workload=linear/five", "--updates=20", "--reference=linear/manual", "--implementation=linear/numpy"),
    ("steps/tutorial_line", "--rewrite=fused"),
)
A_STEP = 0.25  # share of the runs that are of a step
MAIN = 0.5  # share of the kills that hit the main process
LONGEST = 14.0  # seconds from the start of a command to the kill, at most
LEAVE = 10.0  # seconds in which all processes below a killed one must have ended
NOT_EXAMINED = 5  # the exit status where a step could not be examined
PATIENCE = 240.0  # seconds that a run may take to its end after one of its processes was killed


def kills(count: int, seed: int) -> Iterator[Kill]:
    """So many kills. A run whose main process was killed is resumed, and killed again, until it is complete."""
    order = random.Random(seed)
    made = 0
    while made < count:
        command = COMMANDS[order.random() < A_STEP]
        with TemporaryDirectory(prefix="looprace-kills-") as results:
            for kill in _of_run(command, Path(results), order):
                yield kill
                made += 1
                if made == count:
                    break


def _of_run(command: Sequence[str], results: Path, order: random.Random) -> Iterator[Kill]:
    """The kills of one run, up to its end."""
    begin = (*command, "--effort=quick", f"--rounds={ROUNDS}")
    pending: Kill | None = None  # a kill of the main process: the next command shows whether the run goes on
    while True:
        process = _started(results, *(_resuming(results) or begin))
        status: int | None
        try:
            status = process.wait(order.uniform(0.0, LONGEST))
        except subprocess.TimeoutExpired:
            pass
        else:
            if pending:
                yield replace(pending, went_on=status == 0 and _is_complete(results))
            return
        if pending:
            yield replace(pending, went_on=True)  # it had not ended by itself: it went on
            pending = None
        family = psutil.Process(process.pid).children(recursive=True)
        before = _finished(results)
        if order.random() < MAIN or not family:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            _, alive = psutil.wait_procs(family, timeout=LEAVE)
            pending = _seen(MAIN_PROCESS, before, results, orphans=len(alive))
        else:
            victim = order.choice(family)
            role = _role(victim)
            try:
                victim.kill()
            except psutil.NoSuchProcess:
                continue
            status = _status(process)
            if status == NOT_EXAMINED:  # the step was not raced without its judge: the same command goes on
                status = _status(_started(results, "--resume=latest"))
            # the arm of a killed worker has crashed, which status 4 says; all others are complete
            yield replace(_seen(role, before, results), went_on=status in (0, 4) and bool(_finished(results)))
            return


def _started(results: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    with (results / "log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "bench", "run", f"--results={results}", *arguments],
            cwd=ROOT,
            env=os.environ | {TOGETHER: "1"},
            stdout=log,
            stderr=log,
        )


def _status(process: "subprocess.Popen[bytes]") -> int | None:
    """With which a run ends by itself; None where it takes too long, and is ended."""
    try:
        return process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return None


def _resuming(results: Path) -> tuple[str, ...]:
    """The option that goes on with the run; none where the kill came before it had a plan."""
    return ("--resume=latest",) if list(results.glob("*/plan.json")) else ()


def _finished(results: Path) -> dict[str, bytes]:
    """The records of finished rounds, by their paths."""
    paths = results.glob("*/records/*/round-*/*.json")
    return {str(path): path.read_bytes() for path in paths if not path.parent.name.startswith(".")}


def _seen(victim: str, before: dict[str, bytes], results: Path, orphans: int = 0) -> Kill:
    """What is left after a kill."""
    after = _finished(results)
    complaints: list[str] = []
    for plan in results.glob("*/plan.json"):
        store = Store(plan.parent)
        try:
            store.plan()
            store.environment()
        except StoreError as error:
            complaints.append(str(error))
        complaints += store.records()[1]
    return Kill(
        tool=TOOL,
        victim=victim,
        finished=len(before),
        lost=sum(after.get(path) != content for path, content in before.items()),
        unreadable=len(complaints),
        orphans=orphans,
    )


def _is_complete(results: Path) -> bool:
    """Whether a run has all its rounds, and nothing half-written beside them."""
    rounds = list(results.glob("*/records/*/round-*"))
    return len(rounds) == ROUNDS and not list(results.glob("*/records/*/.*"))


def _role(process: psutil.Process) -> str:
    try:
        words = " ".join(process.cmdline())
    except psutil.Error:
        return "worker"
    names = {"bench.judge": "judge", "bench.worker": "worker", "fork_server": "server or forked worker"}
    return next((role for word, role in names.items() if word in words), "worker")
