"""Checks the profiler's attributions: adds a known cost to an update, and sees in which part it is reported.

Each planted arm is linear/analytic with one thing more. The cost is how much longer the arm takes in the same race. By
itself, in a process that does nothing else, it costs less, because its data and code stay in the caches; that figure is
reported beside it.

A planted cost is about as long as the update: race and profile are uncertain by some per cent of the sum. It should leave
other parts alone, so it moves little memory: more would slow down the update's own kernels. Whether an update asks the
kernel for fresh memory differs by process and is worth a fifth of its time; it is held the same, as in the gate.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.processes.memory_layout import STEADY
from bench.processes.worker_process import ROOT, allowed_cores

ROWS = 100_000
NOTHING = "truth_nothing"


@dataclass(frozen=True)
class Plant:
    """A cost that is added to every update.

    what   in words
    code   lines of Python; `x` is a tensor of all rows, `room` another like it, `narrow` one of bytes: converting to bytes
           takes long, and about as long in every process
    parts  the parts of an attribution that it belongs to
    """

    what: str
    code: str
    parts: tuple[str, ...]


PLANTS = {
    NOTHING: Plant("nothing", "pass", ()),
    "truth_busy": Plant("an interpreter kept busy", "end = now() + 2.5e-4\nwhile now() < end: pass", ("interpreter",)),
    "truth_asleep": Plant("a sleep", "pause(2.5e-4)", ("interpreter",)),
    "truth_operation": Plant("an operation more", "torch.sin(x, out=room)", ("dispatch", "forward kernels")),
    "truth_copy": Plant("four copies more", "\n".join(["narrow.copy_(x)"] * 4), ("copies",)),
}

SOURCE = '''"""Planted: {what}."""

import torch

from bench.clock import now, pause
from impls.contract import Domain
from impls.linear.analytic import Analytic


class Planted(Analytic):
    """One update at a time, and the planted cost after each."""

    domain = Domain(modes={{"eager": "thorough"}}, devices=("cpu",), batches=("full",))

    def reset(self):
        super().reset()
        x = self.task.data["x"]
        self.room, self.narrow = torch.empty_like(x), torch.empty_like(x, dtype=torch.uint8)

    @torch.no_grad()
    def advance(self, updates):
        x, room, narrow = self.task.data["x"], self.room, self.narrow
        for _ in range(updates):
            self.weight, self.bias = self.update(self.weight, self.bias, *next(self.batches))
            {code}
'''

# Measures what one plant costs by itself: the median of blocks of about 5 ms, pinned like an arm.
BARE = """
import os, sys
os.sched_setaffinity(0, {{{core}}})
import torch
from statistics import median
from bench.clock import now, pause
torch.set_num_threads(1)
x = torch.linspace(-3, 3, {rows})[:, None]
room, narrow = torch.empty_like(x), torch.empty_like(x, dtype=torch.uint8)

def block(updates):
    begin = now()
    for _ in range(updates):
        {code}
    return (now() - begin) / updates

updates = max(1, int(0.005 / min(block(3) for _ in range(9))))
print(median(block(updates) for _ in range(200)))
"""


@dataclass(frozen=True)
class Found:
    """A planted cost, and how much of it the attributions report in the right parts; seconds per update.

    cost   how much slower the arm is than the one without a plant, by the race
    bare   what the plant costs by itself
    found  how much larger the right parts are
    """

    plant: Plant
    cost: float
    bare: float
    found: float

    @property
    def off(self) -> float:
        """The relative error: 0.1 where a tenth too much was reported, negative where too little."""
        return self.found / self.cost - 1


def findings(repetitions: int = 3) -> Iterator[Found]:
    """Races and profiles the planted arms several times; for each plant the result with the median error."""
    with tempfile.TemporaryDirectory(prefix="looprace-truth-") as folder:
        checkout = planted(Path(folder) / "checkout")
        seen: dict[str, list[Found]] = {}
        for _ in range(repetitions):
            costs = {name: bare(plant) for name, plant in PLANTS.items() if plant.parts}
            for name, result in differences(profiled(checkout)["attributions"], costs).items():
                seen.setdefault(name, []).append(result)
    for many in seen.values():
        yield sorted(many, key=lambda result: result.off)[len(many) // 2]


def planted(folder: Path) -> Path:
    """A checkout with the planted arms, as somebody would add them."""
    for package in ("bench", "impls", "reports"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__", "published"))
    for name, plant in PLANTS.items():
        (folder / "impls" / "linear" / f"{name}.py").write_text(source_of(plant), encoding="utf-8")
    return folder


def source_of(plant: Plant) -> str:
    """The implementation that carries the plant."""
    return SOURCE.format(what=plant.what, code=_indented(plant.code, 12))


def bare(plant: Plant) -> float:
    """Seconds that the plant costs by itself."""
    code = BARE.format(core=allowed_cores()[-1], rows=ROWS, code=_indented(plant.code, 8))
    return float(python(ROOT, "-c", code))


def _indented(code: str, spaces: int) -> str:
    return code.replace("\n", "\n" + " " * spaces)


def profiled(checkout: Path) -> Mapping[str, Any]:
    """The document of `profile` for the planted arms."""
    chosen = [word for name in PLANTS for word in ("--implementation", f"linear/{name}")]
    here = ["--results", str(checkout / "results"), "--json"]
    document: Mapping[str, Any] = json.loads(
        python(checkout, "-m", "bench", "profile", *chosen, "--reference", f"linear/{NOTHING}", *here)
    )
    return document


def differences(attributions: Sequence[Mapping[str, Any]], costs: Mapping[str, float]) -> dict[str, Found]:
    """The attribution of each planted arm compared with that of the arm without a plant.

    costs  bare, by name of the plant
    """
    seen = {attribution["implementation"].partition("/")[2]: attribution for attribution in attributions}
    parts = {
        name: {part["name"]: part["seconds"] for part in attribution["parts"]} for name, attribution in seen.items()
    }

    def found(name: str) -> Found:
        more = [parts[name].get(part, 0.0) - parts[NOTHING].get(part, 0.0) for part in PLANTS[name].parts]
        cost = seen[name]["measured"] - seen[NOTHING]["measured"]
        return Found(PLANTS[name], cost, costs[name], sum(more))

    return {name: found(name) for name in costs}


def python(folder: Path, *arguments: str) -> str:
    """What Python prints in a folder, with a steady heap. Raises CalledProcessError."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=os.environ | STEADY, capture_output=True, text=True, check=True
    )
    return done.stdout
