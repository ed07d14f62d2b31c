"""The same kills of other tools: how much of what they had announced as measured can be read afterwards.

Each measures the same eight sleeps, and says so as each is done.
"""

import importlib.util
import json
import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from bench import clock
from bench.fault_exam.kills import LEAVE, MAIN_PROCESS
from bench.results.scores.faults import Kill
from bench.system.git import git

BENCHMARKS = 8
A_LOOK = 0.1  # seconds from one look at what a tool says to the next
FULL = 120.0  # seconds that a whole measurement may take

PYTEST = """
import time, pytest

@pytest.mark.parametrize("number", range({count}))
def test_sleep(benchmark, number):
    benchmark.pedantic(time.sleep, args=(0.02,), rounds=20)
"""
PYPERF = """
import time, pyperf

runner = pyperf.Runner(values=2, processes=2, loops=5, warmups=0)
for number in range({count}):
    runner.bench_func(f"sleep {{number}}", time.sleep, 0.02)
"""
ASV = """

def time_sleep_{number}():
    time.sleep(0.02)

time_sleep_{number}.number = 5
"""
ASV_PROJECT = {
    "version": 1,
    "project": "sleeps",
    "repo": ".",
    "branches": ["main"],
    "environment_type": "existing",
    "benchmark_dir": "benchmarks",
}


@dataclass(frozen=True)
class Tool:
    """A tool that measures sleeps.

    package    that it needs
    files      to write before, by their paths
    arguments  of this interpreter, in their folder
    first      the same, to run before; () for nothing
    done       matches what it says of each benchmark that is done
    readable   how many results can be read in the folder
    """

    package: str
    files: Mapping[str, str]
    arguments: tuple[str, ...]
    done: str
    readable: Callable[[Path], int]
    first: tuple[str, ...] = ()


def kills(count: int, seed: int) -> Iterator[Kill]:
    """So many kills of the main process of each tool that is installed."""
    order = random.Random(seed)
    for name, tool in TOOLS.items():
        if importlib.util.find_spec(tool.package) is None:
            continue
        begin, first = clock.now(), list[float]()
        _measured(tool, FULL, partial(_note, clock.now(), first))
        whole = clock.now() - begin
        for _ in range(count):
            announced, readable, orphans = _measured(tool, order.uniform(first[0] if first else 0.0, whole))
            lost = max(0, announced - readable)
            yield Kill(tool=name, victim=MAIN_PROCESS, finished=announced, lost=lost, orphans=orphans)


def _note(begin: float, first: list[float]) -> None:
    """Keeps when the first result was announced: kills before it could lose none."""
    first.append(clock.now() - begin)


def _measured(tool: Tool, seconds: float, announce: Callable[[], None] = lambda: None) -> tuple[int, int, int]:
    """Benchmarks announced as done when it was killed after so many seconds, results that are left, and processes.

    announce  is called once a result has been announced
    """
    with TemporaryDirectory(prefix="looprace-others-") as place:
        folder = Path(place)
        for name, content in tool.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content, encoding="utf-8")
        git(folder, "init", "--quiet", "--initial-branch=main")
        git(folder, "add", "--all")
        git(folder, "-c", "user.name=x", "-c", "user.email=x@x", "commit", "--quiet", "--message=sleeps")
        own = {
            name: value for name, value in os.environ.items() if not name.startswith("PYTEST")
        }  # of a test around this
        environment = own | {"PYTHONUNBUFFERED": "1", "HOME": place}
        if tool.first:
            subprocess.run([sys.executable, *tool.first], cwd=folder, env=environment, capture_output=True, check=True)
        with (folder / "said").open("wb") as said:
            process = subprocess.Popen(
                [sys.executable, *tool.arguments],
                cwd=folder,
                env=environment,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
            until = clock.now() + seconds
            while process.poll() is None and clock.now() < until:
                if re.search(tool.done, (folder / "said").read_text("utf-8", errors="replace")):
                    announce()
                clock.pause(min(A_LOOK, until - clock.now()))
            family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
            announced = len(re.findall(tool.done, (folder / "said").read_text("utf-8", errors="replace")))
            process.kill()
            process.wait()
            _, alive = psutil.wait_procs(family, timeout=LEAVE)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        return announced, tool.readable(folder), len(alive)


def _number_of(name: str, key: str) -> Callable[[Path], int]:
    """How many results a JSON file has; none where there is no such file, or it is cut short."""

    def count(folder: Path) -> int:
        with suppress(OSError, ValueError, KeyError):
            return len(json.loads((folder / name).read_text("utf-8"))[key])
        return 0

    return count


def _of_asv(folder: Path) -> int:
    found = [str(path.relative_to(folder)) for path in folder.glob("results/*/*.json")]
    return max((_number_of(name, "results")(folder) for name in found), default=0)


TOOLS = {
    "pytest-benchmark": Tool(
        "pytest_benchmark",
        {"test_sleeps.py": PYTEST.format(count=BENCHMARKS)},
        ("-m", "pytest", "-v", "-p", "no:cacheprovider", "--benchmark-json=results.json", "test_sleeps.py"),
        r"PASSED",
        _number_of("results.json", "benchmarks"),
    ),
    "pyperf": Tool(
        "pyperf",
        {"sleeps.py": PYPERF.format(count=BENCHMARKS)},
        ("sleeps.py", "--output=results.json"),
        r"Mean \+- std dev",
        _number_of("results.json", "benchmarks"),
    ),
    "asv": Tool(
        "asv",
        {
            "asv.conf.json": json.dumps(ASV_PROJECT),
            "benchmarks/__init__.py": "",
            "benchmarks/sleeps.py": "import time\n"
            + "".join(ASV.format(number=number) for number in range(BENCHMARKS)),
        },
        ("-m", "asv", "run", "--environment=existing:python", "--set-commit-hash=main"),
        r"time_sleep_\d+ +[\d.]+",
        _of_asv,
        first=("-m", "asv", "machine", "--yes"),
    ),
}
