"""Fleets on this machine: planned by the command line, carried out by real processes, killed, taken over and merged."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from bench import clock
from bench.cli.app import app
from bench.fleet import folder as folders
from bench.fleet.folder import FleetFolder
from bench.fleet.work import work
from bench.results.fleet import Claim, Ended, Job
from bench.results.store import Store, StoreError, pretty
from tests.conftest import ROOT

RACE = (
    "--workload linear/five --effort quick --updates 20 --mode eager --reference linear/manual --rounds 2 "
    "--implementation linear/numpy"
)


def fleet(*arguments: str) -> dict[str, Any]:
    """The document of a command that succeeds."""
    done = CliRunner().invoke(app, ["fleet", *arguments, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@pytest.fixture
def planned(tmp_path: Path) -> FleetFolder:
    """A fleet of two jobs."""
    fleet("plan", str(tmp_path / "fleet"), "--race", RACE, "--repeat", "2")
    return FleetFolder(tmp_path / "fleet")


def test_a_plan_is_each_race_with_each_value_so_many_times(tmp_path: Path) -> None:
    """Jobs are numbered in that order; a second plan into the same folder is refused."""
    place = str(tmp_path / "fleet")
    jobs = fleet("plan", place, "--race", "steps/vae --effort quick", "--set", "hidden=64,256", "--repeat", "2")["jobs"]
    wide = "steps/vae --effort quick --set=hidden="
    assert [f"{wide}64", f"{wide}64", f"{wide}256", f"{wide}256"] == [job["race"] for job in jobs]
    assert {"waiting"} == {job["status"] for job in jobs}
    again = CliRunner().invoke(app, ["fleet", "plan", place, "--race", "steps/vae"])
    assert again.exit_code == 2
    assert "is a fleet already" in again.stderr


def test_a_killed_job_is_gone_on_with_and_none_is_done_twice(planned: FleetFolder) -> None:
    """After kill -9 the job is missing; the next one takes it over and completes its run, and leaves ended ones alone."""
    first, _ = planned.fleet().jobs
    command = [sys.executable, "-m", "bench", "fleet", "job", str(planned.path), "0"]
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
    while not list(planned.runs(first).glob("*/records/*/round-001")):
        clock.pause(0.05)
    assert planned.standing(first).state == "running"
    assert work(planned, 0) == 0  # another has it: nothing is done
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert [0, 1] == [job.number for job in planned.missing()]
    assert work(planned, 0) == 0
    standing = planned.standing(first)
    assert (standing.state, standing.attempts, standing.status) == ("done", 2, 0)
    assert len(list(planned.runs(first).iterdir())) == 1
    before = sorted(planned.path.rglob("*"))
    assert work(planned, 0) == 0
    assert before == sorted(planned.path.rglob("*"))
    report = fleet("report", str(planned.path))
    assert [socket.gethostname()] == report["machines"]
    assert ["linear/numpy cpu eager"] == [arm["arm"] for arm in report["arms"] if "numpy" in arm["arm"]]


def test_jobs_are_submitted_to_this_machine(tmp_path: Path) -> None:
    """By submitit's local executor; what has been done is not submitted again."""
    pytest.importorskip("submitit", reason="needs submitit: pip install submitit")
    place = str(tmp_path / "fleet")
    fleet("plan", place, "--race", RACE)
    command = [sys.executable, "-m", "bench", "fleet", "submit", place, "--executor", "local"]
    subprocess.run(command, cwd=ROOT, check=True)
    document = fleet("watch", place, "--wait")
    assert (["done"], 0) == ([job["status"] for job in document["jobs"]], document["missing"])
    fleet("resubmit", place, "--executor", "local")
    assert len(FleetFolder(tmp_path / "fleet").claims(Job(number=0, arguments=()))) == 1


def test_a_race_that_makes_no_sense_is_told_and_not_tried_again(tmp_path: Path) -> None:
    """Its own sentence is what `watch` shows."""
    planned = FleetFolder(tmp_path / "fleet")
    fleet("plan", str(planned.path), "--race", "steps/vaee")
    assert work(planned, 0) == 0
    (standing,) = map(planned.standing, planned.fleet().jobs)
    assert (standing.state, standing.status) == ("refused", 2)
    assert "vaee" in standing.said
    assert planned.missing() == []


def test_a_job_of_another_host_is_taken_over_when_nothing_moves(
    planned: FleetFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A live claim of elsewhere keeps all others away; one that gave up, or that is stale, does not; nor does one's own."""
    job, other = planned.fleet().jobs
    claim = Claim(host="elsewhere", pid=1, started=0.0, since="", slurm="66_3")
    (planned.path / "claims").mkdir()
    (planned.path / "claims" / "0000.1.json").write_bytes(pretty(claim))
    (planned.path / "claims" / "0001.1.json").write_bytes(pretty(claim))
    assert not planned.take(job)
    assert planned.standing(job).state == "running"
    monkeypatch.setattr(folders, "STALE", -1.0)
    assert planned.standing(job).state == "stopped"
    assert planned.take(job)
    monkeypatch.undo()
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "66")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "3")
    assert planned.take(other)  # requeued: the same job of Slurm
    planned.give_up(other)
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "4")
    assert planned.take(other)


def test_runs_are_merged_by_copying_and_never_changed(tmp_path: Path) -> None:
    """A second merge finds nothing new, more rounds are added, and a run that differs is refused by name."""
    one, other, target = tmp_path / "one", tmp_path / "other", tmp_path / "merged"
    shutil.copytree(ROOT / "tests" / "corpus" / "format-4", one / "a-run")
    shutil.copytree(ROOT / "tests" / "corpus" / "format-3", other / "another-run")
    assert {"a-run", "another-run"} == set(fleet("merge", str(one), str(other), "--out", str(target))["runs"])
    assert {0} == set(fleet("merge", str(one), str(other), "--out", str(target))["runs"].values())
    store = Store(one / "a-run")
    (race,) = store.plan().races
    store.write_round(race, 2, [replace(record, round=2) for record in store.records()[0]])
    added = fleet("merge", str(one), "--out", str(target))["runs"]["a-run"]
    assert added == len(store.rounds(race)[2])
    assert [1, 2] == list(Store(target / "a-run").rounds(race))
    (one / "a-run" / "environment.json").write_text("{}")
    refused = CliRunner().invoke(app, ["fleet", "merge", str(one), "--out", str(target)])
    assert refused.exit_code == 2
    assert "environment.json differ, and both are of the run a-run" in refused.stderr


def test_a_fleet_is_exported_for_other_engines(planned: FleetFolder) -> None:
    """The script for sbatch runs a job by its number; the test for ReFrame is Python and names every job."""
    for kind, name in (("sbatch", "fleet.sh"), ("reframe", "reframe_looprace.py")):
        done = CliRunner().invoke(app, ["fleet", "export", str(planned.path), "--to", kind])
        assert done.exit_code == 0
        text = (planned.path / name).read_text("utf-8")
        assert str(planned.path) in text
        assert ("--array=0-1" in text) if kind == "sbatch" else compile(text, name, "exec")


def test_what_is_typed_wrongly_is_told(tmp_path: Path) -> None:
    """Each mistake has a sentence with the cure, and status 2; a missing executor has status 5."""
    place = str(tmp_path / "fleet")
    for arguments, words in (
        (["fly", place], "takes plan, submit, watch"),
        (["plan", place], "needs something to race: --race"),
        (["plan", place, "--race", "x", "--set", "hidden"], "--set takes NAME=A,B"),
        (["watch", place], "There is no fleet at"),
        (["report", place], "There is no run at"),
        (["merge", place], "needs a folder to copy into"),
    ):
        done = CliRunner().invoke(app, ["fleet", *arguments])
        assert done.exit_code == 2
        assert words in done.stderr


def test_how_a_job_ended_is_written_once(planned: FleetFolder) -> None:
    """A folder that is no fleet has no jobs, and a number that none has is named."""
    job = Job(number=7, arguments=())
    assert planned.ended(job) is None
    planned.end(job, Ended(host="here", run="r", status=4, seconds=1.0, said="an arm failed"))
    assert planned.standing(job).status == 4
    with pytest.raises(StoreError, match="has no job 9"):
        planned.job(9)
