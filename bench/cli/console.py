"""What the command line prints: reports and documents on standard output, sentences for people on standard error."""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console, RenderableType

from reports.text.sanitize import plain

WIDTH = 150  # of tables where there is no terminal


def console() -> Console:
    """Standard output, as wide as the terminal; wide enough for a table where there is none."""
    return Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=WIDTH)


def show(renderables: Iterable[RenderableType], onto: Console | None = None) -> None:
    """Prints them one below another."""
    target = onto or console()
    for renderable in renderables:
        target.print(renderable, crop=False)  # lines to copy are as wide as they are


def name_files(folder: object, files: Sequence[str]) -> None:
    """Names the file to open first, and what lies beside it; a folder with the number of its files."""
    first, *others = files
    counts = Counter(f"{name.partition('/')[0]}/" if "/" in name else name for name in others)
    names = [f"{name} ({count} files)" if name.endswith("/") else name for name, count in counts.items()]
    print(f"\nOpen {folder}/{first}" + (f"\nBeside it: {', '.join(names)}" if names else ""))


def print_json(document: Any) -> None:
    """Prints one strict JSON document."""
    print(json.dumps(document, indent=1, allow_nan=False))


def say(text: str, end: str = "\n") -> None:
    """A line for people, on standard error."""
    print(text, end=end, file=sys.stderr, flush=True)


def refuse(error: Exception | str) -> None:
    """An expected error as a sentence. It may name a file of a stranger, whose name could steer a terminal."""
    say(plain(f"looprace: {error}", keep="\n"))


def warn(complaints: Iterable[str]) -> None:
    """A line for each thing that could not be read or will not be raced."""
    for complaint in complaints:
        say(plain(f"warning: {complaint}"))
