"""Allocators in the place of malloc: where their libraries lie, and the patch that names one. Loads no torch."""

import sys
from pathlib import Path

FOLDERS = ("lib", "lib64", "usr/lib", "usr/lib64", "usr/local/lib")


def library(*names: str) -> str:
    """The path of the first library that is installed, of these names such as "libjemalloc.so.2"; "" where none is."""
    folders = [Path(sys.prefix) / "lib", *(Path("/") / folder for folder in FOLDERS)]
    places = [place for folder in folders for place in (folder, *sorted(folder.glob("*-linux-gnu")))]
    return next((str(place / name) for name in names for place in places if (place / name).exists()), "")


def preloaded(path: str) -> str:
    """The patch: there is nothing to paste, for a process has its allocator before it reads a file."""
    return f"\n# Nothing to paste: start Python with the variable LD_PRELOAD={path}\n"
