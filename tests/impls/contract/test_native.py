"""Native arms: without a compiler, and with threads; and what the read floor reads."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench.worker.contract_check import check
from impls.contract import UnavailableError, catalogue, native
from impls.contract.task import Compiler, make_task

NATIVE = ("linear/c", "linear/floor_read", "linear/moments")


def test_without_a_compiler_the_install_line_is_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where no C compiler is on the path, building says which to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(UnavailableError, match="needs a C compiler: install cc or gcc or clang"):
        native.build("int one(void) { return 1; }", "float32")


def test_a_compiler_that_fails_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason contains the first line of the compiler's output."""
    with pytest.raises(UnavailableError, match=r"cannot build it: .*error"):
        native.build("this is not C", "float32")


@pytest.mark.parametrize("name", NATIVE)
def test_an_arm_without_its_compiler_is_skipped(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No claim about a native arm is broken where there is no compiler: each is skipped with the install line."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    claims = list(check(name))
    assert [] == [claim for claim in claims if claim.fault]
    assert all("C compiler" in (claim.skipped or "") for claim in claims if claim.skipped != "takes full batches only")


def test_denormals_survive_the_building_of_an_arm() -> None:
    """Loading native code does not switch the process to flushing small numbers to zero, as -ffast-math would."""
    tiny = torch.tensor(1e-40)
    native.build("REAL twice(REAL x) { return 2 * x; }", "float32")
    assert (tiny * 1.0).item() > 0


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize(
    "chosen",
    [{}, {"features": 5, "rows": 77}, {"rows": 50, "batch": 7}, {"rows": 50, "batch": 1}, {"rows": 1}, {"rows": 2}],
)
def test_the_read_floor_reads_everything(threads: int, chosen: dict[str, int]) -> None:
    """Its total is the sum of all that its updates must read, as often as they must read it."""
    workload = catalogue.workloads()["linear/line"]
    setting = workload.setting(**chosen, threads=threads, dtype="float64")
    problem = workload.problem(setting)
    floor: Any = catalogue.load("linear/floor_read")(make_task(problem, setting, Compiler("eager")))
    floor.reset()
    for updates in (1, 30, 11):
        floor.advance(updates)
    of_row = problem.data["x"].sum(axis=1) + problem.data["y"]
    order = problem.schedule.order
    rows = [order[number % len(order)] if order is not None else slice(None) for number in range(42)]
    assert floor.total == pytest.approx(sum(of_row[each].sum() for each in rows), rel=1e-12)


THREADED = """
import json, sys
import torch
torch.set_num_threads(2)
from bench.worker.contract_check import _claims
from bench.worker.device import global_flags
from impls.contract import catalogue
name = sys.argv[1]
workload = catalogue.workloads()["linear/line"]
faults = []
for chosen in ({}, {"rows": 1}, {"rows": 3}, {"features": 3}, {"rows": 50, "features": 1024}, {"rows": 50, "batch": 7}):
    setting = workload.setting(**chosen, threads=2)
    kind = catalogue.load(name)
    if not kind.refuses(setting):
        faults += [f"{chosen} {text}: {fault}" for text, fault in _claims(kind, workload, setting, global_flags()) if fault]
print(json.dumps(faults))
"""


@pytest.mark.parametrize("name", ["linear/c", "linear/numba"])
def test_two_threads_agree_with_the_oracle(name: str) -> None:
    """Threads share the rows and still get the right answer: with fewer rows than threads, and with 1 024 features."""
    absent = catalogue.implementations()[name].missing()
    if absent:
        pytest.skip(absent)
    variables = os.environ | {"OMP_NUM_THREADS": "2", "NUMBA_NUM_THREADS": "2"}
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", THREADED, name], cwd=root, env=variables, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    assert [] == json.loads(done.stdout)


def test_threads_give_the_same_bits_every_time() -> None:
    """With two threads the sums are still taken in a fixed order: two runs end in the same bits."""
    workload = catalogue.workloads()["linear/line"]
    setting = workload.setting(threads=2)
    arm = catalogue.load("linear/c")(make_task(workload.problem(setting), setting, Compiler("eager")))
    ends = []
    for _ in range(3):
        arm.reset()
        arm.advance(200)
        ends.append(np.concatenate([value.reshape(-1).numpy().copy() for value in arm.weights().values()]).tobytes())
    assert len(set(ends)) == 1
