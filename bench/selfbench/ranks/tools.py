"""The tools: each is given the same arms and about the same minutes, and says how long an update of each takes."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.processes.arm_process import variables_for
from bench.processes.worker_process import ROOT, allowed_cores
from bench.results.record import Race
from impls.contract import catalogue

ARMS = "LOOPRACE_ARMS"  # variable that names them to the programs of other tools
UPDATES = 10  # in one call: a call's own time is then nothing beside them
HERE = Path(__file__).parent
START = 8.0  # seconds: of pytest with torch, and of building the arms


@dataclass(frozen=True)
class Found:
    """What a tool found in one sitting: seconds of an update by arm, and ranks where it gives such."""

    seconds: Mapping[str, float]
    ranks: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Tool:
    """One of them.

    way      how it measures, in a sentence
    measure  all arms of a race in about so many seconds, with its files in a folder
    """

    way: str
    measure: Callable[[Race, float, Path], Found]


def names_of(race: Race) -> Sequence[str]:
    """The implementations that every tool measures: those that train, each once."""
    known = catalogue.implementations()
    once = (arm.implementation for arm in race.arms if arm.role != "twin")
    return [name for name in once if known[name].work != "floor"]


def _looprace(race: Race, seconds: float, folder: Path) -> Found:
    done = _python(race, folder, "-m", "bench", "run", "--effort", "quick", "--json", "--results", str(folder))
    (raced,) = json.loads(done)["races"]
    arms = {arm["implementation"]: arm for arm in raced["arms"] if arm["implementation"] in names_of(race)}
    return Found(
        {name: arm["seconds_per_update"] for name, arm in arms.items()},
        {name: arm["rank"] for name, arm in arms.items()},
    )


def _torch_timer(race: Race, seconds: float, folder: Path) -> Found:
    written = folder / "found.json"
    _python(race, folder, "-m", "bench.selfbench.ranks.with_torch_timer", str(seconds), str(written))
    return Found(json.loads(written.read_text("utf-8")))


def _pytest_benchmark(race: Race, seconds: float, folder: Path) -> Found:
    written = folder / "found.json"
    share = (seconds - START) / len(names_of(race))
    program = str(HERE / "with_pytest_benchmark.py")
    options = ("-q", "--noconftest", "-c", os.devnull, f"--rootdir={folder}", "-p", "no:cacheprovider")
    times = (f"--benchmark-max-time={share}", f"--benchmark-json={written}")
    _python(race, folder, "-m", "pytest", program, *options, *times)
    found = json.loads(written.read_text("utf-8"))["benchmarks"]
    return Found({one["params"]["name"]: one["stats"]["median"] / UPDATES for one in found})


def _pyperf(race: Race, seconds: float, folder: Path) -> Found:
    import pyperf

    written = folder / "found.json"
    inherited = ",".join([ARMS, "PYTHONPATH", *_variables(race, folder)])
    program = str(HERE / "with_pyperf.py")
    _python(race, folder, program, "--quiet", "-o", str(written), f"--inherit-environ={inherited}")
    suite = pyperf.BenchmarkSuite.load(str(written))
    return Found({one.get_name(): one.median() for one in suite.get_benchmarks()})


def _python(race: Race, folder: Path, *arguments: str) -> str:
    """What a program prints that measures the arms of a race on one core."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    variables = _variables(race, folder) | {ARMS: ",".join(names_of(race)), "PYTHONPATH": str(ROOT)}
    environment = outside | variables
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


def _variables(race: Race, folder: Path) -> dict[str, str]:
    return variables_for(race.reference, allowed_cores()[-1:], folder / "cache")


TOOLS: Mapping[str, Tool] = {
    "looprace": Tool(
        "a quick run: three to twelve rounds of new or forked processes, laps in random order; arms that it cannot tell "
        "apart share a rank",
        _looprace,
    ),
    "torch.utils.benchmark": Tool(
        f"Timer.blocked_autorange in one process, arm after arm, each an equal share of the time; {UPDATES} updates a call; "
        "median",
        _torch_timer,
    ),
    "pytest-benchmark": Tool(
        f"one process, arm after arm, --benchmark-max-time an equal share of the time; {UPDATES} updates a call; median",
        _pytest_benchmark,
    ),
    "pyperf": Tool(
        f"for each arm a process that finds the number of loops, and one that measures 10 values (by default 20 processes of "
        f"3, which would take twenty minutes); {UPDATES} updates a call; median",
        _pyperf,
    ),
}
