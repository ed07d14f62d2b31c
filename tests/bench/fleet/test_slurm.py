"""A fleet on a real Slurm: nodes drained, jobs killed, cancelled and requeued, a controller restarted, and nothing lost."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench import clock
from bench.fleet.folder import FleetFolder
from tests.bench.fleet.slurm import Cluster, missing
from tests.bench.fleet.test_fleet import RACE
from tests.conftest import ROOT

pytest.importorskip("submitit", reason="needs submitit: pip install submitit")
JOBS = 4
ROUNDS = 12
LONG = RACE.replace("--rounds 2", f"--rounds {ROUNDS}").replace("quick", "standard")  # longer than a minute


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Three nodes; munge wants a folder whose parents only root may write to, or that are sticky."""
    if reason := missing():
        pytest.skip(reason)
    with tempfile.TemporaryDirectory(prefix="looprace-slurm-") as folder:
        Path(folder).chmod(0o755)
        made = Cluster(Path(folder), 3)
        try:
            made.start()
            yield made
        finally:
            made.stop()


def fleet(cluster: Cluster, *arguments: str) -> Any:
    """The document of a command, with that cluster."""
    command = [sys.executable, "-m", "bench", "fleet", *arguments, "--json"]
    done = subprocess.run(
        command, cwd=ROOT, env=cluster.variables, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def runs_of(place: Path, number: int) -> list[psutil.Process]:
    """The main process of the run of a job, while it lives."""
    folder = str(place / "runs" / f"{number:04d}")
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if "run" in (words := process.info["cmdline"] or []) and any(word.startswith(folder) for word in words)
    ]


def test_every_race_is_done_once_whatever_happens_to_its_job(cluster: Cluster, tmp_path: Path) -> None:
    """One node is drained, one run is killed, one job cancelled, one requeued, the controller restarted: then resubmit."""
    place = tmp_path / "fleet"
    fleet(cluster, "plan", str(place), "--race", RACE, "--repeat", str(JOBS))
    cluster.run("scontrol", "update", "nodename=n3", "state=drain", "reason=test")
    fleet(cluster, "submit", str(place))
    cluster.until(lambda: len(list(place.glob("runs/*/*/records/*/round-001"))) >= 2, "first rounds", seconds=300)
    hosts = {job["host"] for job in fleet(cluster, "watch", str(place))["jobs"]} - {""}
    assert len(hosts) <= 2

    array = cluster.run("squeue", "-h", "-o", "%F").split()[0]
    (victim,) = runs_of(place, 0)
    os.kill(victim.pid, signal.SIGKILL)
    cluster.restart_controller()
    cluster.run("scontrol", "requeue", f"{array}_1")
    cluster.run("scontrol", "update", "nodename=n3", "state=resume")
    cluster.until(lambda: runs_of(place, 2), "third job", seconds=300)
    cluster.run("scancel", f"{array}_2")
    cluster.until(  # Slurm lets a requeued job wait for two minutes
        lambda: (cluster.run("scontrol", "update", f"jobid={array}_1", "starttime=now"), runs_of(place, 1))[1],
        "requeued job",
        seconds=300,
    )
    cluster.until(lambda: not cluster.run("squeue", "-h").strip(), "empty queue", seconds=600)

    assert fleet(cluster, "watch", str(place))["missing"] == 2
    fleet(cluster, "resubmit", str(place))
    cluster.until(lambda: not cluster.run("squeue", "-h").strip(), "empty queue", seconds=600)
    document = fleet(cluster, "watch", str(place))
    assert ["done"] * JOBS == [job["status"] for job in document["jobs"]]
    runs = [list((place / "runs" / f"{number:04d}").iterdir()) for number in range(JOBS)]
    assert [1] * JOBS == list(map(len, runs))
    assert [2] * JOBS == [len(list(run.glob("records/*/round-*"))) for (run,) in runs]


def test_a_job_that_hits_its_time_limit_goes_on_where_it_was(cluster: Cluster, tmp_path: Path) -> None:
    """Slurm's shortest limit ends a longer race again and again; each time it goes on in the same run, and none is lost."""
    place = tmp_path / "long"
    fleet(cluster, "plan", str(place), "--race", LONG)
    fleet(cluster, "submit", str(place), "--limit", "1m")
    array = cluster.run("squeue", "-h", "-o", "%F").split()[0]

    def is_over() -> bool:
        if cluster.run("squeue", "-h", "-t", "pending").strip():
            clock.pause(3.0)  # at once, it would be refused by the credential of its attempt before
            cluster.run("scontrol", "update", f"jobid={array}", "starttime=now")  # else it waits two minutes
        return (place / "ended" / "0000.json").exists()

    cluster.until(is_over, "the end of the race", seconds=900)
    (job,) = fleet(cluster, "watch", str(place))["jobs"]
    assert "done" == job["status"]
    assert FleetFolder(place).standings()[0].attempts > 1
    (run,) = (place / "runs" / "0000").iterdir()
    assert ROUNDS == len(list(run.glob("records/*/round-*")))
