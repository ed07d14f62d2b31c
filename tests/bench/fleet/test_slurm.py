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

from tests.bench.fleet.slurm import Cluster, missing
from tests.bench.fleet.test_fleet import RACE
from tests.conftest import ROOT

pytest.importorskip("submitit", reason="needs submitit: pip install submitit")
JOBS = 4


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
    cluster.until(lambda: len(list(place.glob("runs/*/*/records/*/round-001"))) >= 2, "first rounds", seconds=120)
    hosts = {job["host"] for job in fleet(cluster, "watch", str(place))["jobs"]} - {""}
    assert len(hosts) <= 2

    array = cluster.run("squeue", "-h", "-o", "%F").split()[0]
    (victim,) = runs_of(place, 0)
    os.kill(victim.pid, signal.SIGKILL)
    cluster.restart_controller()
    cluster.run("scontrol", "requeue", f"{array}_1")
    cluster.run("scontrol", "update", "nodename=n3", "state=resume")
    cluster.until(lambda: runs_of(place, 2), "third job", seconds=120)
    cluster.run("scancel", f"{array}_2")
    cluster.until(  # Slurm lets a requeued job wait for two minutes
        lambda: (cluster.run("scontrol", "update", f"jobid={array}_1", "starttime=now"), runs_of(place, 1))[1],
        "requeued job",
        seconds=120,
    )
    cluster.until(lambda: not cluster.run("squeue", "-h").strip(), "empty queue", seconds=240)

    assert fleet(cluster, "watch", str(place))["missing"] == 2
    fleet(cluster, "resubmit", str(place))
    cluster.until(lambda: not cluster.run("squeue", "-h").strip(), "empty queue", seconds=240)
    document = fleet(cluster, "watch", str(place))
    assert ["done"] * JOBS == [job["status"] for job in document["jobs"]]
    runs = [list((place / "runs" / f"{number:04d}").iterdir()) for number in range(JOBS)]
    assert [1] * JOBS == list(map(len, runs))
    assert [2] * JOBS == [len(list(run.glob("records/*/round-*"))) for (run,) in runs]
