"""A checkout of the project with planted implementations, for tests that need real processes and real faults."""

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent

# Read when torch is first imported, so set before any test is. Tests run side by side, and OpenMP's threads spin while they
# wait for each other: on a busy machine two of them take ten times as long as one. Arms that are raced set their own number.
os.environ["OMP_NUM_THREADS"] = "1"
# The workers of a DataLoader start from this server of multiprocessing, which then loads torch once instead of for each.
multiprocessing.set_forkserver_preload(["torch.utils.data"])


@dataclass(frozen=True)
class Checkout:
    """A copy of the project at `path`, where `bench` runs the command line as a person would."""

    path: Path

    def bench(self, *arguments: str, timeout: float = 240) -> subprocess.CompletedProcess[str]:
        """`python -m bench ARGUMENTS` in the checkout, to its end."""
        return subprocess.run(
            [sys.executable, "-m", "bench", *arguments],
            cwd=self.path,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            env=self.environment(),
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """The same, still running."""
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

    @staticmethod
    def environment() -> dict[str, str]:
        """This environment without a display, and without a path to another copy of the project."""
        hidden = {"DISPLAY", "WAYLAND_DISPLAY", "PYTHONPATH"}
        return {name: value for name, value in os.environ.items() if name not in hidden}


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Mapping[str, str]], Checkout]:
    """Makes a checkout with the given files below impls/ added: {"linear/planted.py": source}."""

    def make(planted: Mapping[str, str]) -> Checkout:
        path = tmp_path_factory.mktemp("checkout")
        for package in ("bench", "impls", "reports"):
            shutil.copytree(ROOT / package, path / package, ignore=shutil.ignore_patterns("__pycache__", "published"))
        # the floor joins every race of linear; here it would only take time
        (path / "impls" / "linear" / "floor_read.py").unlink()
        for name, source in planted.items():
            (path / "impls" / name).write_text(source, encoding="utf-8")
        return Checkout(path)

    return make
