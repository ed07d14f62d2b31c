"""What the command line says, and with which exit status, when a disk is full."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from bench.cli import session
from bench.gate.sides.git import SideError
from bench.results.store import Store
from reports.exit_status import Exit
from tests.conftest import ROOT


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("expected", [(), (SideError, OSError)], ids=["run", "gate"])
def test_a_disk_that_fills_up_while_measuring_is_unmeasured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], expected: tuple[type[Exception], ...]
) -> None:
    """A run and a gate end with status 5 and the sentence that names the file; nothing that was typed is to blame."""
    (tmp_path / ".round.json.part").symlink_to("/dev/full")
    with pytest.raises(typer.Exit) as ended, session.refusals(*expected):
        Store(tmp_path).write("round.json", b"x" * 100_000)
    assert ended.value.exit_code == Exit.UNMEASURED
    assert "round.json cannot be written: No space left on device. Make room" in capsys.readouterr().err


def test_a_run_that_cannot_write_a_byte_is_unmeasured(tmp_path: Path) -> None:
    """The whole command ends with status 5 where its folder can be made and no file can be written."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", "run", "--effort=quick", f"--results={tmp_path}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
    )
    assert done.returncode == Exit.UNMEASURED, done.stderr
    assert "cannot be written: File too large. Make room" in done.stderr
