"""Files of a folder that may be a stranger's: written whole or not at all, and read only if regular and not too large."""

import os
import stat
from pathlib import Path

MOST_BYTES = 1 << 26  # of a file that is read
UNREAD = ("sides", "instrument", "cache")  # parts of a gate or a run that no report reads: a repository may hold links


def write(target: Path, content: bytes) -> None:
    """Writes a file under another name, flushed to the disk, then renames it. Raises OSError, and leaves nothing behind."""
    beside = target.with_name(f".{target.name}.part")
    target.parent.mkdir(parents=True, exist_ok=True)
    beside.unlink(missing_ok=True)
    try:
        with beside.open("xb") as file:  # never through a link
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
    except OSError:
        beside.unlink(missing_ok=True)  # on a full disk it would keep the disk full
        raise
    flush_folder(target.parent)


def flush_folder(folder: Path) -> None:
    """Has the disk keep which files a folder holds."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(path: Path) -> bytes:
    """The bytes of a regular file. Raises OSError for what is none, without waiting for it, and for one that is too large."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise OSError("it is no regular file")
        if about.st_size > MOST_BYTES:
            raise OSError(f"it has more than {MOST_BYTES >> 20} MiB")
        return file.read()


def first_link(folder: Path) -> Path | None:
    """The first entry below a folder that is neither a folder nor a regular file; the parts UNREAD are not looked into.

    Through a link, a report or a resumed run would read or write elsewhere; a pipe or a device has no end.
    """
    folders = [folder]
    while folders:
        at = folders.pop()
        with os.scandir(at) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.is_dir(follow_symlinks=False):
                    folders += [] if at == folder and entry.name in UNREAD else [Path(entry.path)]
                elif not entry.is_file(follow_symlinks=False):
                    return Path(entry.path)
    return None
