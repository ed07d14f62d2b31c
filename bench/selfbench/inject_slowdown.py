"""Puts a slowdown of known size into a copy of the implementations.

A side of a trial is a folder with nothing but `impls`; the code that measures it is another, with nothing but `bench`.
"""

import compileall
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import clock
from bench.processes.worker_process import ROOT

LOOP = re.compile(r"^( +)for _ in range\(updates\):\n", re.MULTILINE)
FIRST = re.compile(r"^(from|import) ", re.MULTILINE)
# Each update waits for a share of the time that it took itself, so the slowdown is the same at any speed of the machine. What
# a wait took too long is subtracted from the next one.
SLOWER = """from bench.clock import now as planted_now


def planted(updates):
    owed, begin = 0.0, planted_now()
    for update in updates:
        yield update
        end = planted_now()
        owed += {share!r} * (end - begin) - {less!r}
        while planted_now() - end < owed:
            pass
        begin = planted_now()
        owed -= begin - end


"""
# Functions that nobody calls, large enough to move whatever is loaded after them, as most changes of a file do.
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


def inject(folder: Path, implementation: str, share: float) -> Path:
    """A side in which each update of one implementation takes that share longer, by a busy wait.

    With a share of 0 it has functions that nobody calls instead. Raises ValueError for an implementation without exactly one
    loop over the updates.
    """
    path = side(folder) / "impls" / f"{implementation}.py"
    path.write_text(slowed(path.read_text("utf-8"), share, cost() if share else 0.0), encoding="utf-8")
    compileall.compile_file(path, quiet=2)
    return folder


def slowed(source: str, share: float, cost: float = 0.0) -> str:
    """The source of an implementation with the wait in it.

    cost  seconds that the code of the wait adds to an update by itself, and by which each wait is shortened
    """
    count = len(LOOP.findall(source))
    if count != 1:
        raise ValueError(
            f"A wait goes into the one loop `for _ in range(updates):`, and there are {count} of them; "
            "choose an implementation that has one."
        )
    top = NOTHING
    if share > 0:
        top = SLOWER.format(share=share, less=(1 + share) * cost)
        source = LOOP.sub(r"\1for _ in planted(range(updates)):\n", source)
    return FIRST.sub(lambda first: top + first[0], source, count=1)


def cost(share: float = 10.0, updates: int = 200, repetitions: int = 100) -> float:
    """Seconds that the code of the wait adds to each update: two readings of the clock and a generator.

    Measured with a wait that is long compared with everything else, as the minimum of many short repetitions, which
    interruptions do not affect.
    """
    bare = "import math\n\ndef train(updates):\n    for _ in range(updates):\n        pass\n"
    loops = [_function(source) for source in (bare, slowed(bare, share))]
    without, within = (min(_timed(loop, updates) for _ in range(repetitions)) / updates for loop in loops)
    return max(0.0, within / (1 + share) - without)


def _function(source: str) -> Callable[[int], None]:
    space: dict[str, Any] = {}
    exec(compile(source, "slowed", "exec"), space)  # noqa: S102 - our own lines, timed as a worker runs them
    function: Callable[[int], None] = space["train"]
    return function


def _timed(loop: Callable[[int], None], updates: int) -> float:
    begin = clock.now()
    loop(updates)
    return clock.now() - begin
