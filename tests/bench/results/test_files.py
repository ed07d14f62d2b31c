"""Files of a folder that a stranger may have made: nothing is written or read through a link, and nothing has no end."""

import os
from pathlib import Path

import pytest

from bench.results import files


def test_a_file_is_never_written_through_a_link(tmp_path: Path) -> None:
    """Neither through the file's own name, nor through the name that it has until it is whole."""
    outside = tmp_path / "bashrc"
    outside.write_text("mine")
    run = tmp_path / "run"
    run.mkdir()
    for name in ("summary.md", ".summary.md.part"):
        (run / name).unlink(missing_ok=True)
        (run / name).symlink_to(outside)
        files.write(run / "summary.md", b"theirs")
        assert outside.read_text() == "mine"
        assert [path.name for path in run.iterdir()] == ["summary.md"]
        assert not (run / "summary.md").is_symlink()


def test_a_file_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    """A half-written file would keep a full disk full."""
    (tmp_path / "summary.md").mkdir()
    with pytest.raises(OSError, match=r"summary\.md"):
        files.write(tmp_path / "summary.md", b"theirs")
    assert [path.name for path in tmp_path.iterdir()] == ["summary.md"]


def test_only_regular_files_of_bounded_size_are_read(tmp_path: Path) -> None:
    """A pipe is not waited for, a device has no end, and a sparse file of terabytes takes all memory."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(files.MOST_BYTES + 1)
    (tmp_path / "small").write_bytes(b"{}")
    assert files.read(tmp_path / "small") == b"{}"
    for name, reason in (("pipe", "no regular file"), ("zero", "no regular file"), ("large", "more than 64 MiB")):
        with pytest.raises(OSError, match=reason):
            files.read(tmp_path / name)


@pytest.mark.parametrize("at", ["plan.json", "sources", "records/race/round-001/arm.json", "logs/pipe"])
def test_the_first_link_or_pipe_of_a_folder_is_named(at: str, tmp_path: Path) -> None:
    """Wherever it lies; but a gate keeps copies of a repository, which may hold links."""
    (tmp_path / "sides" / "head").mkdir(parents=True)
    (tmp_path / "sides" / "head" / "link").symlink_to("/etc")
    assert files.first_link(tmp_path) is None
    strange = tmp_path / at
    strange.parent.mkdir(parents=True, exist_ok=True)
    if at.endswith("pipe"):
        os.mkfifo(strange)
    else:
        strange.symlink_to("/etc")
    assert files.first_link(tmp_path) == strange
