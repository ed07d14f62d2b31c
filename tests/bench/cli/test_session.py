"""What the command line says when a disk or the memory is full, and its exit status."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer

from bench.cli import session
from bench.gate.sides.git import SideError
from bench.results.store import Store
from reports.exit_status import Exit
from tests.conftest import ROOT, FullDisk


@pytest.mark.parametrize("expected", [(), (SideError, OSError)], ids=["run", "gate"])
def test_a_disk_that_fills_up_while_measuring_is_unmeasured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], full_disk: FullDisk, expected: tuple[type[Exception], ...]
) -> None:
    """A run and a gate end with status 5 and the sentence that names the file; nothing that was typed is to blame."""
    with full_disk(), pytest.raises(typer.Exit) as ended, session.refusals(*expected):
        Store(tmp_path).write("round.json", b"x" * 100_000)
    assert ended.value.exit_code == Exit.UNMEASURED
    assert "round.json cannot be written: File too large. Make room" in capsys.readouterr().err


def test_data_larger_than_the_memory_are_unmeasured(capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence says how much was asked for, and what to choose instead."""
    with pytest.raises(typer.Exit) as ended, session.refusals():
        np.empty(2**50)
    assert ended.value.exit_code == Exit.UNMEASURED
    assert "There is not enough memory: Unable to allocate 8.00 PiB" in capsys.readouterr().err


def test_a_run_that_cannot_write_a_byte_is_unmeasured(tmp_path: Path) -> None:
    """The whole command ends with status 5 where its folder can be made and no file can be written."""
    # the limit is set by the process itself: a function run between fork and exec is unsafe beside the threads of JAX
    limited = (
        "import resource, runpy; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); "
        "runpy.run_module('bench', run_name='__main__', alter_sys=True)"
    )
    done = subprocess.run(
        [sys.executable, "-c", limited, "run", "--effort=quick", f"--results={tmp_path}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == Exit.UNMEASURED, done.stderr
    assert "cannot be written: File too large. Make room" in done.stderr
