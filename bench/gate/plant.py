"""Plants a slowdown of known size into a copy of the implementations. Apart from truth.py, which plants what profiling finds.

A side of a match is a folder that holds nothing but `impls`; what measures it is another, that holds nothing but `bench`.
"""

import compileall
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import clock
from bench.process import ROOT

LOOP = re.compile(r"^( +)for _ in range\(updates\):\n", re.MULTILINE)
FIRST = re.compile(r"^(from|import) ", re.MULTILINE)
IMPORT = "from bench.clock import now as planted_now\n"
WAIT = "until = planted_now() + {seconds!r}\nwhile planted_now() < until:\n    pass\n"
# Functions that nobody calls, enough to move whatever is loaded after them: as most changes of a file do.
NOTHING = "".join(
    f'def planted_{number}(a, b, c):\n    """Nothing, and {number} words of it: {"nothing " * number}"""\n'
    f"    values = [a * {number}.5, b + {number}.25, c - {number}.125]\n    return max(values) if a > b else min(values)\n\n\n"
    for number in range(40)
)


def instrument(folder: Path) -> Path:
    """A folder with a copy of `bench` alone."""
    return _copied("bench", folder)


def side(folder: Path) -> Path:
    """A folder with a copy of `impls` alone."""
    return _copied("impls", folder)


def _copied(package: str, folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    compileall.compile_dir(folder, quiet=2)  # or the first process of a side would start more slowly than the others
    return folder


def plant(folder: Path, implementation: str, seconds: float) -> Path:
    """A side in which each update of one implementation first waits so long, busily; with 0, one with functions nobody calls.

    Raises ValueError when there is not exactly one loop over the updates to plant into.
    """
    path = side(folder) / "impls" / f"{implementation}.py"
    path.write_text(planted(path.read_text("utf-8"), seconds), encoding="utf-8")
    compileall.compile_file(path, quiet=2)
    return folder


def planted(source: str, seconds: float) -> str:
    """The source with the wait in it."""
    found = LOOP.findall(source)
    if len(found) != 1:
        raise ValueError(
            f"A wait is planted into the one loop `for _ in range(updates):`, and there are {len(found)} of them; "
            "choose an implementation that has one."
        )
    top, code = (IMPORT, WAIT.format(seconds=seconds)) if seconds > 0 else (NOTHING, "")
    indented = "".join(f"{found[0]}    {line}" for line in code.splitlines(keepends=True))
    source = LOOP.sub(lambda loop: loop[0] + indented, source)
    return FIRST.sub(lambda first: top + first[0], source, count=1)


def overhead(seconds: float = 2e-5, waits: int = 20, repetitions: int = 100) -> float:
    """What a planted wait takes longer than the seconds it is written with: the calls, and the last look at the clock.

    The least of short stretches counts: whatever interrupts one is no part of it.
    """
    bare = "import math\n\ndef wait(updates):\n    for _ in range(updates):\n        pass\n"
    loops = [_function(source) for source in (bare, planted(bare, seconds))]
    without, within = (min(_timed(loop, waits) for _ in range(repetitions)) / waits for loop in loops)
    return max(0.0, within - without - seconds)


def _function(source: str) -> Callable[[int], None]:
    space: dict[str, Any] = {}
    exec(compile(source, "planted", "exec"), space)  # noqa: S102 - our own lines, timed as they are planted
    found: Callable[[int], None] = space["wait"]
    return found


def _timed(loop: Callable[[int], None], waits: int) -> float:
    begin = clock.now()
    loop(waits)
    return clock.now() - begin
