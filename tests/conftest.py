"""A checkout of the project with planted implementations, for tests that need real processes and real faults."""

import compileall
import json
import multiprocessing
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest

ROOT = Path(__file__).parent.parent
FullDisk = Callable[[], AbstractContextManager[None]]

# Read when torch is first imported, so set before any test is. Tests run side by side, and OpenMP's threads spin while they
# wait for each other: on a busy machine two of them take ten times as long as one. Arms that are raced set their own number.
os.environ["OMP_NUM_THREADS"] = "1"
# Ensembles that other runs have kept would hide what a test is for.
os.environ["LOOPRACE_CACHE"] = ""
# Tests race side by side, and would wait for each other.
os.environ["LOOPRACE_TOGETHER"] = "1"
# The workers of a DataLoader start from this server of multiprocessing, which then loads torch once instead of for each.
multiprocessing.set_forkserver_preload(["torch.utils.data"])


from tests.forking import Forks, substitutes  # noqa: E402 - after the number of threads

# The files that take longest, longest first: begun last, one of them would run alone at the end while the other cores wait.
SLOWEST = (
    "bench/fleet/test_slurm.py",
    "bench/gate/test_gate.py",
    "bench/gate/test_step_gate.py",
    "impls/contract/test_contract.py",
    "bench/profiler/test_profile_run.py",
    "bench/worker/ranks/test_ranks.py",
    "bench/runner/test_classes.py",
    "bench/runner/test_resume.py",
    "bench/cli/test_app.py",
    "bench/runner/test_caveats.py",
    "bench/gate/test_counters.py",
    "bench/worker/test_watch.py",
    "bench/runner/test_faults.py",
    "bench/processes/test_fork_servers.py",
    "bench/selfbench/test_own_gate.py",
    "bench/test_pytest_front_end.py",
    "reports/html/test_run_page.py",
    "impls/linear/test_kernels.py",
    "bench/processes/test_fork_server.py",
    "bench/worker/test_probes.py",
    "bench/gate/sides/test_preflight.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the slowest files first; pytest-xdist hands files out in this order when it is told not to reorder them."""
    places = {ROOT / "tests" / file: place for place, file in enumerate(SLOWEST)}
    items.sort(key=lambda item: places.get(item.path, len(SLOWEST)))


@contextmanager
def _full_disk() -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.fixture
def full_disk() -> FullDisk:
    """A context in which this process can write only the first ten thousand bytes of a file, as onto a disk that fills up."""
    return _full_disk


@pytest.fixture(scope="session")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    """What command lines and workers are forked from, with everything loaded that they import."""
    servers = Forks.begin(tmp_path_factory.mktemp("forks") / "log")
    yield servers
    servers.close()


@pytest.fixture
def forked_workers(forks: Forks, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that the test itself starts are forked, and so is what looks at the sides of a gate."""
    for substitute in substitutes(forks.workers):
        monkeypatch.setattr(*substitute)


@dataclass(frozen=True)
class Checkout:
    """A copy of the project at `path`, where `bench` runs the command line as a person would."""

    path: Path
    forks: Forks

    def bench(self, *arguments: str, timeout: float = 240) -> subprocess.CompletedProcess[str]:
        """`python -m bench ARGUMENTS` in the checkout, to its end; it and its workers are forked with imports done."""
        return self.forks.run(self.path, "bench", *arguments, timeout=timeout)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """The same, still running, started from nothing as its workers are."""
        # a suite that runs in the background may have inherited "ignore Ctrl-C", and would hand it on
        inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            return subprocess.Popen(
                [sys.executable, "-m", "bench", *arguments],
                cwd=self.path,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=self.environment(),
            )
        finally:
            signal.signal(signal.SIGINT, inherited)

    def arms(self, *arguments: str) -> tuple[int, dict[str, dict[str, Any]]]:
        """The exit status of `run --json`, and the arms of its one race by implementation and mode."""
        done = self.bench("run", "--json", "--effort=quick", *arguments)
        assert done.stdout, done.stderr
        document = json.loads(done.stdout)
        (race,) = document["races"]
        return done.returncode, {f"{arm['implementation']} {arm['setting']['mode']}": arm for arm in race["arms"]}

    def with_short_laps(self) -> Self:
        """The same checkout, whose quick races spend one second on the laps of a round; how precise they are is no matter."""
        plan = self.path / "bench" / "runner" / "plan.py"
        source = plan.read_text(encoding="utf-8")
        quick = "Effort((3, 12), 6, 0.015, 48, 2, alone"
        assert quick in source
        plan.write_text(source.replace(quick, "Effort((3, 12), 6, 0.015, 48, 1, alone"), encoding="utf-8")
        return self

    @staticmethod
    def environment() -> dict[str, str]:
        """This environment without a display, and without a path to another copy of the project."""
        hidden = {"DISPLAY", "WAYLAND_DISPLAY", "PYTHONPATH"}
        return {name: value for name, value in os.environ.items() if name not in hidden}


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory, forks: Forks) -> Callable[[Mapping[str, str]], Checkout]:
    """Makes a checkout with the given files below impls/ added: {"linear/planted.py": source}."""
    for package in ("bench", "impls", "reports"):  # once here, and not in every copy
        compileall.compile_dir(ROOT / package, quiet=2)

    def make(planted: Mapping[str, str]) -> Checkout:
        path = tmp_path_factory.mktemp("checkout")
        for package in ("bench", "impls", "reports"):
            shutil.copytree(ROOT / package, path / package, ignore=shutil.ignore_patterns("published"))
        # the floor joins every race of linear; here it would only take time
        (path / "impls" / "linear" / "floor_read.py").unlink()
        for name, source in planted.items():
            (path / "impls" / name).write_text(source, encoding="utf-8")
        return Checkout(path, forks)

    return make
