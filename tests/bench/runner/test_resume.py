"""What is left of a run that was killed or interrupted, and how it is resumed; with real signals and processes."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conftest import Checkout

Make = Callable[[Mapping[str, str]], Checkout]
CHOSEN = ("--workload=linear/five", "--effort=quick", "--updates=20", "--reference=linear/manual", "--rounds=3",
          "--implementation=linear/numpy")  # fmt: skip


@pytest.fixture
def place(checkout: Make) -> Checkout:
    """A checkout for one test."""
    return checkout({})


def wait_for(run: subprocess.Popen[str], said: str) -> list[psutil.Process]:
    """Reads the progress of a run up to this text; returns the processes that the run has started."""
    assert run.stderr is not None
    for line in run.stderr:
        if said in line:
            return psutil.Process(run.pid).children(recursive=True)
    raise AssertionError(f"the run ended before it said {said!r}")


def folder_of(place: Checkout) -> Path:
    """The folder of the only run."""
    (folder,) = (place.path / "results").iterdir()
    return folder


def rounds(folder: Path) -> dict[str, list[bytes]]:
    """The finished rounds, by name, as the bytes of their records."""
    found = sorted((folder / "records").glob("*/round-*"))
    return {path.name: [each.read_bytes() for each in sorted(path.iterdir())] for path in found}


def test_a_killed_run_is_resumed_where_it_was(place: Checkout) -> None:
    """After kill -9 in round 2 its workers are gone, round 1 is complete, and --resume measures rounds 2 and 3 only."""
    run = place.start("run", *CHOSEN)
    workers = wait_for(run, "round 2 of at most 3: calibrating")
    assert len(workers) == 3
    os.kill(run.pid, signal.SIGKILL)
    run.communicate()
    assert psutil.wait_procs(workers, timeout=10)[1] == []
    before = rounds(folder_of(place))
    assert list(before) == ["round-001"]

    done = place.bench("run", "--json", "--resume", "latest")
    assert done.returncode == 0, done.stderr
    after = rounds(folder_of(place))
    assert list(after) == ["round-001", "round-002", "round-003"]
    assert after["round-001"] == before["round-001"]
    assert "round 1" not in done.stderr
    (race,) = json.loads(done.stdout)["races"]
    assert [3, 3] == [arm["rounds"] for arm in race["arms"]]
    assert all(arm["job_seconds"] for arm in race["arms"])

    again = place.bench("run", "--json", "--resume", "latest")
    assert again.returncode == 0
    assert rounds(folder_of(place)) == after
    assert "starting" not in again.stderr


def test_an_interrupted_run_keeps_what_it_has_and_says_how_to_go_on(place: Checkout) -> None:
    """Ctrl-C ends with status 130, a table of the finished rounds, the command to resume, and no process left."""
    run = place.start("run", *CHOSEN)
    workers = wait_for(run, "round 2 of at most 3: calibrating")
    run.send_signal(signal.SIGINT)
    output, errors = run.communicate(timeout=60)
    assert run.returncode == 130
    assert psutil.wait_procs(workers, timeout=10)[1] == []
    assert list(rounds(folder_of(place))) == ["round-001"]
    assert f"--resume {folder_of(place).relative_to(place.path)}" in errors
    assert "Traceback" not in errors
    assert "linear/numpy" in output


def test_a_run_of_another_machine_is_not_resumed(place: Checkout) -> None:
    """A run of another machine is not mixed with rounds from here: status 2, and what differs."""
    assert place.bench("run", *CHOSEN[:-2], "--rounds=1", CHOSEN[-1]).returncode == 0
    path = folder_of(place) / "environment.json"
    environment: dict[str, Any] = json.loads(path.read_text())
    environment["machine"]["processor"] = "an abacus"
    path.write_text(json.dumps(environment), encoding="utf-8")
    done = place.bench("run", "--resume", "latest")
    assert done.returncode == 2
    assert "was begun with another machine" in done.stderr
    assert "an abacus" in done.stderr


def test_a_run_of_changed_code_is_not_resumed(place: Checkout) -> None:
    """An implementation that was edited meanwhile is named; a comment changes nothing."""
    assert place.bench("run", *CHOSEN[:-2], "--rounds=1", CHOSEN[-1]).returncode == 0
    path = place.path / "impls" / "linear" / "numpy.py"
    source = path.read_text(encoding="utf-8")
    path.write_text(source + "\n# a comment\n", encoding="utf-8")
    assert place.bench("run", "--resume", "latest").returncode == 0
    path.write_text(source + "\nEXTRA = 1\n", encoding="utf-8")
    done = place.bench("run", "--resume", "latest")
    assert done.returncode == 2
    assert "impls/linear/numpy.py has changed since" in done.stderr
