"""The Triton kernels without a GPU: Triton's interpreter runs them in another process, which also runs this file.

The interpreter runs the programs of a launch one after another. The barrier, at which they must wait for each other, is
tried with a process for each program, in memory that all of them share.
"""

import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench.runner import verify
from bench.worker import device
from bench.worker.answer import weights_of
from impls.contract import catalogue
from impls.contract.task import Compiler, make_task

pytest.importorskip("triton", reason="needs triton: pip install triton")

from impls.linear import kernels
from impls.linear.floor_read_triton import read

ROOT = Path(__file__).parents[3]
# Updates of each call: together more than the batches of the small settings, so that the schedule begins again.
CALLS = (1, 4, 10)
UPDATES = sum(CALLS)

# An arm, what is chosen of the setting, and the tiles (rows, columns, programs) instead of those it would take.
Case = tuple[str, dict[str, Any], tuple[int, int, int] | None]
CASES: tuple[Case, ...] = (
    *(
        (arm, chosen, None)
        for arm in ("triton_update", "triton_persistent")
        for chosen in (
            {"rows": 1},
            {"rows": 5, "dtype": "float64"},
            {"rows": 50, "features": 3},
            {"rows": 1000, "features": 3, "dtype": "float64"},
            {"rows": 5, "features": 1024},
        )
    ),
    ("triton_update", {"rows": 50, "batch": 7}, None),
    ("triton_update", {"rows": 50, "features": 3, "batch": 7, "dtype": "float64"}, None),
    ("triton_update", {"rows": 50, "batch": 1}, None),
    ("triton_update", {"rows": 9, "features": 3, "batch": 1}, None),
    ("triton_update", {"rows": 50, "dtype": "float64"}, (4, 1, 3)),
    ("triton_update", {"rows": 50, "features": 3}, (8, 4, 4)),
    ("triton_update", {"rows": 2}, (1, 1, 4)),
    ("triton_update", {"rows": 50, "features": 3, "batch": 7}, (2, 4, 3)),
)
TOGETHER: tuple[Case, ...] = (
    ("triton_persistent", {"rows": 5}, (2, 1, 3)),
    ("triton_persistent", {"rows": 9, "features": 3, "dtype": "float64"}, (4, 4, 3)),
)


def named(case: Case) -> str:
    """A case as the name of a test."""
    arm, chosen, tiles = case
    return " ".join([arm, *(f"{key} {value}" for key, value in chosen.items()), f"tiles {tiles}" if tiles else ""])


def built(case: Case, place: str = "cpu") -> tuple[Any, Callable[[int], str | None]]:
    """The arm, wherever it says it can run, and what is wrong with its answer after so many updates."""
    name, chosen, tiles = case
    workload = catalogue.workloads()["linear/line"]
    setting = workload.setting(**chosen, device=place)
    problem = workload.problem(setting)
    oracle = workload.oracle(problem, setting)
    arm: Any = catalogue.load(f"linear/{name}")(make_task(problem, setting, Compiler("eager")))
    if tiles:
        arm.tiles = kernels.Tiles(*tiles)
        arm.sums, arm.arrived = arm.tiles.room(arm.x)

    def fault(updates: int) -> str | None:
        return verify.judge(weights_of(arm, setting, "test", updates), oracle, setting, None).fault

    return arm, fault


def faults(case: Case, place: str = "cpu", calls: tuple[int, ...] = CALLS) -> list[str]:
    """What is wrong after each of the calls, and after a reset and as many updates in one call.

    Triton's kernels must have the same answer to the last bit.
    """
    arm, fault = built(case, place)
    found, answers = [], []
    for parts in (calls, (sum(calls),)):
        arm.reset()
        for made, part in enumerate(parts, 1):
            arm.advance(part)
            found.append(fault(sum(parts[:made])))
        answers.append(torch.cat([value.reshape(-1).clone() for value in arm.weights().values()]))
    if case[0].startswith("triton") and not torch.equal(*answers):
        found.append("the same updates have another answer the second time")
    return [each for each in found if each]


def faults_of_processes(case: Case) -> list[str]:
    """The same after two launches, with a process for each program."""
    arm, fault = built(case)
    arm.reset()
    for shared in (arm.weight, arm.bias, arm.sums, arm.arrived):
        shared.share_memory_()
    for updates in (3, UPDATES - 3):
        at_once(arm.tiles.programs, partial(arm.advance, updates))
    expected = arm.tiles.programs * UPDATES
    arrivals = [] if int(arm.arrived) == expected else [f"{int(arm.arrived)} arrivals instead of {expected}"]
    return arrivals + [each for each in [fault(UPDATES)] if each]


def at_once(programs: int, launch: Callable[[], None]) -> None:
    """One launch of so many programs, each in a process of its own."""
    from triton.runtime import interpreter

    class OneOfThem(interpreter.GridExecutor):  # type: ignore[misc]  # Triton has no types
        def __init__(self, function: Any, names: Any, grid: Any, hooks: Any) -> None:
            super().__init__(function, names, (1,), hooks)

        def _restore_args_dev(self, *_: Any) -> None:
            pass  # it copies all memory onto itself, over what the others write meanwhile

    def run(program: int) -> None:
        interpreter.GridExecutor = OneOfThem
        builder = interpreter.interpreter_builder
        builder.grid_dim, builder.grid_idx = (programs, 1, 1), (program, 0, 0)
        builder.set_grid_dim = builder.set_grid_idx = lambda *_: None
        launch()

    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=run, args=(program,)) for program in range(programs)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(20)
        process.kill()  # one that waits for the others forever is a fault, not to be waited for


def sums_read() -> list[tuple[float, float]]:
    """The sum of what the read floor's programs read, and the sum of the data."""
    generator, found = np.random.default_rng(0), []
    for rows, features, tiles in ((1, 1, (1, 1, 1)), (50, 1, (4, 1, 3)), (50, 3, (4, 4, 5)), (2, 3, (4, 4, 3))):
        x, y = (torch.from_numpy(generator.integers(1, 99, size).astype(float)) for size in ((rows, features), rows))
        sums = torch.zeros(tiles[-1], dtype=x.dtype)
        read(kernels.Tiles(*tiles), x, y, sums)
        found.append((float(sums.sum()), float(x.sum() + y.sum())))
    return found


def crossings() -> list[int]:
    """Arrivals counted by the barrier floor: of one program and of two, 5 times each."""
    found = []
    for tiles in ((1, 1, 1), (1, 1, 2)):
        arm, _ = built(("floor_barrier", {"rows": 2}, tiles))
        arm.arrived.share_memory_()
        at_once(tiles[-1], partial(arm.advance, 5))
        found.append(int(arm.arrived))
    return found


def interpret() -> None:
    """The other process: runs all cases and writes the results."""
    torch.set_num_threads(1)
    found: dict[str, Any] = {named(case): faults(case) for case in CASES}
    found |= {named(case): faults_of_processes(case) for case in TOGETHER}
    json.dump(found | {"sums": sums_read(), "crossings": crossings()}, sys.stdout)


@pytest.fixture(scope="module")
def interpreted() -> dict[str, Any]:
    """The results of the other process."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.impls.linear.test_kernels"],
        cwd=ROOT,
        env=os.environ | {"TRITON_INTERPRET": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("case", CASES, ids=named)
def test_a_kernel_is_right_at_any_size(interpreted: dict[str, Any], case: Case) -> None:
    """A kernel trains right, to the same bits each time, at any size and however rows are shared out and calls cut."""
    assert [] == interpreted[named(case)]


@pytest.mark.parametrize("case", TOGETHER, ids=named)
def test_programs_meet_at_the_barrier(interpreted: dict[str, Any], case: Case) -> None:
    """Programs that run at the same time wait for each other in every update, and find the right weights."""
    assert [] == interpreted[named(case)]


def test_the_barrier_floor_crosses_once_an_update(interpreted: dict[str, Any]) -> None:
    """The barrier floor crosses its barrier once for each update, with one program as with two."""
    assert [5, 10] == interpreted["crossings"]


def test_the_read_floor_reads_everything(interpreted: dict[str, Any]) -> None:
    """What the read floor's programs add up is the sum of all of x and y."""
    assert [] == [each for each in interpreted["sums"] if each[0] != each[1]]


@pytest.mark.parametrize("features", [1, 3, 30, 1024])
@pytest.mark.parametrize("count", [1, 2, 131, 132, 5000, 100_000, 100_000_000])
def test_tiles_hold_every_row_once(count: int, features: int) -> None:
    """However many rows there are, tiles are powers of two that hold them all, and no program is without a tile."""
    streaming, resident = kernels.streaming_tiles(count, features, 132), kernels.resident_tiles(count, features, 132, 4)
    for tiles, largest in ((streaming, kernels.LARGEST_TILE), (resident, kernels.ON_CHIP_BYTES // 4)):
        assert tiles.rows * tiles.columns <= largest
        assert {1} == {size.bit_count() for size in (tiles.rows, tiles.columns, tiles.warps, tiles.together)}
        assert features <= tiles.columns < 2 * features
        assert (tiles.programs - 1) * tiles.rows < count
    assert streaming.programs <= 8 * 132
    assert count <= resident.rows * resident.programs
    assert (count <= kernels.most_resident_rows(features, 132, 4)) == (resident.programs <= 132)


@pytest.mark.parametrize(
    ("name", "chosen", "words"),
    [
        ("triton_persistent", {"rows": 16_384}, ""),
        ("triton_persistent", {"rows": 16_385}, "at most 16384 rows here with features 1 and dtype float32"),
        ("triton_persistent", {"rows": 8_193, "dtype": "float64"}, "at most 8192 rows"),
        ("triton_persistent", {"rows": 17, "features": 1000}, "at most 16 rows here with features 1000"),
        ("triton_persistent", {"rows": 1, "features": 1025}, "at most 1024 features"),
        ("floor_barrier", {"rows": 5}, "waits for no other"),
        ("triton_update", {"rows": 5, "features": 1025}, "at most 1024 features"),
        ("floor_read_triton", {"rows": 5, "features": 1025}, "at most 1024 features"),
    ],
)
def test_what_does_not_fit_is_refused(name: str, chosen: dict[str, Any], words: str) -> None:
    """A kernel refuses what does not fit on chip before it is launched, and says how much does."""
    reason = catalogue.load(f"linear/{name}").supports(catalogue.workloads()["linear/line"].setting(**chosen))
    assert (reason is None) == (not words)
    assert words in (reason or "")


@pytest.fixture
def gpu() -> str:
    """The device, where there is one."""
    reason = device.absent("cuda")
    if reason:
        pytest.skip(reason)
    return "cuda"


@pytest.mark.cuda
@pytest.mark.parametrize("chosen", [{}, {"rows": 50, "batch": 7}, {"rows": 1000, "features": 1000}], ids=str)
@pytest.mark.parametrize(
    "name", ["cuda_graph", "cuda_graph_steps", "triton_graph", "triton_update", "triton_persistent"]
)
def test_more_updates_than_a_graph_holds_are_right(gpu: str, name: str, chosen: dict[str, Any]) -> None:
    """On a GPU an arm is right, to the same bits each time, when its updates fill several graphs and leave some over."""
    if "batch" in chosen and name == "triton_persistent":
        pytest.skip("triton_persistent takes full batches only")
    assert [] == faults((name, chosen, None), gpu, calls=(1, 149, 100))


@pytest.mark.cuda
def test_two_updates_end(gpu: str) -> None:
    """On a GPU many programs cross the barrier twice, and do not wait forever."""
    arm, fault = built(("triton_persistent", {}, None), gpu)
    arm.reset()
    arm.advance(2)
    assert arm.tiles.programs > 1
    assert fault(2) is None


@pytest.mark.cuda
def test_programs_that_cannot_all_run_at_once_are_refused(gpu: str) -> None:
    """A GPU refuses a launch of more programs than it can run at once, instead of waiting forever at their barrier."""
    arm, _ = built(("triton_persistent", {}, (1024, 1, 100_000)), gpu)
    with pytest.raises(RuntimeError, match="cooperative"):
        arm.advance(1)


@pytest.mark.cuda
def test_the_read_floor_reads_everything_on_cuda(gpu: str) -> None:
    """On a GPU the read floor's sums are those of all of x and y, launched alone or replayed."""
    for updates in (1, 100):
        arm, _ = built(("floor_read_triton", {"dtype": "float64"}, None), gpu)
        arm.sums.zero_()
        arm.advance(updates)
        task = arm.task
        torch.testing.assert_close(arm.sums.sum(), task.data["x"].sum() + task.data["y"].sum())


if __name__ == "__main__":
    interpret()
