"""Folders for temporary files, each named after the process that made it: what a killed one has left is found and removed.

The name says where that process can be seen, too: another machine or container may have its files in the same place.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

BOOT, PROCESSES = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
MOST = 0.5  # of the disk's free space that may be filled while an arm lives
OWN = 0.25  # of it, from which on it was the arm that filled it


@contextmanager
def folder() -> Iterator[Path]:
    """A new folder, which is removed at the end."""
    with tempfile.TemporaryDirectory(prefix=f"looprace-{_here()}-{os.getpid()}-", ignore_cleanup_errors=True) as path:
        yield Path(path)


def remove_stale() -> None:
    """Removes the folders of this user's processes that have ended without doing so."""
    ours = re.compile(rf"looprace-{_here()}-(\d+)-\w+")
    for path in Path(tempfile.gettempdir()).glob("looprace-*"):
        named = ours.fullmatch(path.name)
        with suppress(OSError):
            if named and path.lstat().st_uid == os.getuid() and not Path("/proc", named[1]).exists():
                shutil.rmtree(path, ignore_errors=True)


@cache
def _here() -> str:
    """Tells apart where processes are numbered: by the start of the kernel, and by the container."""
    with suppress(OSError):
        return f"{BOOT.read_text('ascii')[:8]}{PROCESSES.stat().st_ino}"
    return "unknown"


@dataclass(frozen=True)
class Room:
    """An arm's own folder for temporary files, and the bytes that were free on its disk when the arm began."""

    path: Path
    free: int

    @staticmethod
    def of(path: Path) -> "Room":
        """The room of a folder, as it is now."""
        return Room(path, _free(path))

    def filled(self) -> int:
        """Bytes that the arm has put there where it leaves too little to all others; else 0. Looks closer only then."""
        if _free(self.path) > (1 - MOST) * self.free:
            return 0
        own = sum(_size(Path(place, name)) for place, _, names in os.walk(self.path) for name in names)
        return own if own > OWN * self.free else 0


def _free(path: Path) -> int:
    with suppress(OSError):
        disk = os.statvfs(path)
        return disk.f_bavail * disk.f_frsize
    return 1 << 62  # it was removed: there is nothing to look at


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.lstat().st_blocks * 512
    return 0
