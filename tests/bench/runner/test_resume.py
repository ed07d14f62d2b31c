"""What is left of a run that was killed or interrupted, and how it is resumed; with real signals and processes."""

import json
import os
import shutil
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
    made = checkout({})
    session = made.path / "bench" / "cli" / "session.py"
    source = session.read_text(encoding="utf-8")
    assert "A_LINE = 60.0" in source
    session.write_text(source.replace("A_LINE = 60.0", "A_LINE = 0.0"), encoding="utf-8")  # every step is waited for
    return made


@pytest.fixture(scope="module")
def begun(checkout: Make) -> Checkout:
    """A checkout with a run of one round, for tests that leave its code as it was."""
    place = checkout({})
    assert place.bench("run", *CHOSEN[:-2], "--rounds=1", CHOSEN[-1]).returncode == 0
    return place


@pytest.fixture
def copied(begun: Checkout, tmp_path: Path) -> Checkout:
    """A copy of that checkout and its run, for one test."""
    path = tmp_path / "checkout"
    shutil.copytree(begun.path, path)
    return Checkout(path, begun.forks)


def other_start(source: str) -> str:
    """A workload.py of linear with another starting weight, and nothing else."""
    before = "        digest = hashlib"
    assert source.count(before) == 1
    return source.replace(before, f'        start["bias"] = start["bias"] + 1\n{before}')


def wait_for(run: subprocess.Popen[str], text: str) -> list[psutil.Process]:
    """Reads the progress of a run up to this text; returns the processes that the run has started."""
    assert run.stderr is not None
    for line in run.stderr:
        if text in line:
            return psutil.Process(run.pid).children(recursive=True)
    raise AssertionError(f"the run ended before it said {text!r}")


def folder_of(place: Checkout) -> Path:
    """The folder of the only run."""
    (folder,) = (place.path / "results").iterdir()
    return folder


def rounds(folder: Path) -> dict[str, list[bytes]]:
    """The finished rounds, by name, as the bytes of their records."""
    paths = sorted((folder / "records").glob("*/round-*"))
    return {path.name: [record.read_bytes() for record in sorted(path.iterdir())] for path in paths}


def test_a_killed_run_is_resumed_where_it_was(place: Checkout) -> None:
    """After kill -9 in round 2 its workers are gone, round 1 is complete, and --resume measures rounds 2 and 3 only."""
    run = place.start("run", *CHOSEN)
    workers = wait_for(run, "round 2: calibrating")
    assert len(workers) == 5  # three arms, and the two servers that fork them
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


def test_a_killed_server_takes_no_arm_out_of_the_race(place: Checkout) -> None:
    """Where the process that forked a round's workers is killed, that round is interrupted, and the next ones are whole."""
    run = place.start("run", "--json", *CHOSEN)
    family = wait_for(run, "round 2: calibrating")
    (server,) = [process for process in family if process.ppid() == run.pid and process.children()]
    server.kill()
    output, errors = run.communicate(timeout=120)
    assert run.returncode == 0, errors
    (race,) = json.loads(output)["races"]
    assert {"ok"} == {arm["status"] for arm in race["arms"]}
    assert list(rounds(folder_of(place))) == ["round-001", "round-002", "round-003"]


def test_an_interrupted_run_keeps_what_it_has_and_says_how_to_go_on(place: Checkout) -> None:
    """Ctrl-C ends with status 130, a table of the finished rounds, the command to resume, and no process left."""
    run = place.start("run", *CHOSEN)
    workers = wait_for(run, "round 2: calibrating")
    run.send_signal(signal.SIGINT)
    output, errors = run.communicate(timeout=60)
    assert run.returncode == 130
    assert psutil.wait_procs(workers, timeout=10)[1] == []
    assert list(rounds(folder_of(place))) == ["round-001"]
    assert f"--resume {folder_of(place).relative_to(place.path)}" in errors
    assert "Traceback" not in errors
    assert "linear/numpy" in output


def test_a_run_of_another_machine_is_not_resumed(copied: Checkout) -> None:
    """A run of another machine is not mixed with rounds from here: status 2, and what differs."""
    path = folder_of(copied) / "environment.json"
    environment: dict[str, Any] = json.loads(path.read_text())
    environment["machine"]["processor"] = "an abacus"
    path.write_text(json.dumps(environment), encoding="utf-8")
    done = copied.bench("run", "--resume", "latest")
    assert done.returncode == 2
    assert "was begun with another machine" in done.stderr
    assert "an abacus" in done.stderr


@pytest.mark.parametrize(
    "path",
    [
        "impls/linear/numpy.py",
        "impls/linear/workload.py",
        "impls/contract/schedule.py",
        "impls/contract/task.py",
        "impls/contract/contract.py",
        "bench/worker/device.py",
    ],
)
def test_a_run_of_changed_code_is_not_resumed(begun: Checkout, path: str) -> None:
    """Whatever file of the arms or of what measures them was edited since is named; status 2, and nothing is measured."""
    file, before = begun.path / path, rounds(folder_of(begun))
    source = file.read_text(encoding="utf-8")
    file.write_text(source + "\nEXTRA = 1\n", encoding="utf-8")
    done = begun.bench("run", "--resume", "latest")
    file.write_text(source, encoding="utf-8")
    assert done.returncode == 2
    assert f"looprace: {path} changed since " in done.stderr
    assert "start a new run" in done.stderr
    assert rounds(folder_of(begun)) == before


def test_comments_do_not_keep_a_run_from_being_resumed(begun: Checkout) -> None:
    """A comment, and code that the run does not depend on, change nothing."""
    for path in ("impls/linear/numpy.py", "impls/linear/workload.py", "bench/worker/device.py"):
        with (begun.path / path).open("a", encoding="utf-8") as file:
            file.write("\n# a comment\n")
    with (begun.path / "impls" / "linear" / "jax.py").open("a", encoding="utf-8") as file:
        file.write("\nEXTRA = 1\n")
    assert begun.bench("run", "--resume", "latest").returncode == 0


def test_a_run_of_other_data_is_not_resumed(copied: Checkout) -> None:
    """In a run that did not keep its files, as older ones, a changed starting weight is seen in the records' digests."""
    plan = folder_of(copied) / "plan.json"
    old: dict[str, Any] = json.loads(plan.read_text()) | {"rounds": [2, 2]}
    del old["files"]
    plan.write_text(json.dumps(old), encoding="utf-8")
    workload = copied.path / "impls" / "linear" / "workload.py"
    workload.write_text(other_start(workload.read_text(encoding="utf-8")), encoding="utf-8")
    done = copied.bench("run", "--resume", "latest")
    assert done.returncode == 2
    assert "was given other data or starting weights than linear/five has now: impls/linear/workload.py" in done.stderr
    assert list(rounds(folder_of(copied))) == ["round-001"]


def test_a_run_ends_when_its_data_change(place: Checkout) -> None:
    """Where workload.py is edited between two rounds, the round of other data is not kept."""
    run = place.start("run", *CHOSEN)
    wait_for(run, "round 2: calibrating")
    workload = place.path / "impls" / "linear" / "workload.py"
    workload.write_text(other_start(workload.read_text(encoding="utf-8")), encoding="utf-8")
    _, errors = run.communicate()
    assert run.returncode == 2
    assert "In round 3 linear/" in errors
    assert list(rounds(folder_of(place))) == ["round-001", "round-002"]
