"""Folders for temporary files: removed by whoever made them or by a later run, and watched while an arm fills its own."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from bench.processes import temporary
from bench.processes.temporary import Room


def test_what_a_killed_process_has_left_is_removed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Folders of processes that have ended go, with what is in them; those of the living and of others stay."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    with temporary.folder() as own:
        name = own.name.replace(str(os.getpid()), str(int(ended.stdout)))
    left, other = tmp_path / name, tmp_path / name.replace("looprace-", "looprace-0")  # of another machine
    for place in (left, other):
        place.mkdir()
        (place / "file").write_text("x")
    with temporary.folder() as own:
        temporary.remove_stale()
        assert {own.name, other.name} == {path.name for path in tmp_path.iterdir()}
    assert [other] == list(tmp_path.iterdir())


def test_room_that_others_need_is_seen(tmp_path: Path) -> None:
    """An arm has taken too much once half of the free space has gone and a quarter of it lies in its folder."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "file").write_bytes(os.urandom(1 << 20))
    free = temporary._free(tmp_path)
    assert Room(tmp_path, free).filled() == 0  # most is left
    assert Room(tmp_path, 3 * free).filled() == 0  # it has gone, but to somebody else
    small = Room(tmp_path / "sub", 3 << 20)
    assert small.filled() == 0  # more is free than there was
