"""`doctor --store` on the runs and gates of every format: what is damaged is named, put aside, and nothing is deleted."""

import fcntl
import json
import os
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.cli.app import app
from bench.results.store import Store
from tests.conftest import ROOT

ROUND = "records/linear-line-100000x1-full-float32-t1/round-001"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A folder with runs of all formats, and a gate."""
    for folder in (ROOT / "tests" / "corpus").iterdir():
        if (folder / "plan.json").exists() or (folder / "gate.json").exists():
            shutil.copytree(folder, tmp_path / folder.name)
    return tmp_path


def doctor(results: Path, *options: str) -> tuple[int, list[str]]:
    """The exit status, and the paths that were found to be damaged."""
    done = CliRunner().invoke(app, ["doctor", "--store", str(results), "--json", *options])
    return done.exit_code, [trouble["path"] for trouble in json.loads(done.stdout)["troubles"]]


def test_whole_runs_are_found_whole(results: Path) -> None:
    """Runs and gates of every format have no trouble."""
    assert (0, []) == doctor(results)


def test_what_is_damaged_is_put_aside_and_kept(results: Path) -> None:
    """Each kind of damage is found; --repair moves it into the quarantine with its path, and the rest is whole then."""
    (results / "format-2" / ROUND / "linear-c-cpu-eager.json").write_text("{")
    (results / "format-3" / "link").symlink_to("/etc/passwd")
    (results / "format-4" / "cache").mkdir()
    (results / "format-4" / ".plan.json.part").write_text("half")
    (results / "format-1" / "plan.json").write_text("{}")
    (results / "begun" / "sides").mkdir(parents=True)
    damaged = ["begun", "format-1", f"format-2/{ROUND}", "format-3/link", "format-4/.plan.json.part", "format-4/cache"]
    files = sorted(path.name for path in results.rglob("*"))
    assert (5, damaged) == doctor(results)
    assert (0, damaged) == doctor(results, "--repair")
    assert (0, []) == doctor(results)
    assert all(os.path.lexists(results / "quarantine" / path) for path in damaged)
    assert set(files) <= {path.name for path in results.rglob("*")}
    assert Store(results / "format-2").records() == ([], [])


def test_a_run_that_is_being_measured_is_left_alone(results: Path) -> None:
    """Half-written files of a live run are no damage."""
    (results / "format-4" / ".plan.json.part").write_text("half")
    descriptor = os.open(results / "format-4", os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    assert (0, []) == doctor(results, "--repair")
    os.close(descriptor)
    assert (5, ["format-4/.plan.json.part"]) == doctor(results)
