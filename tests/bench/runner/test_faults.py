"""What becomes of arms that are wrong or break: real processes, one race for all faults, since none may harm another."""

import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.processes.worker_process import ROOT, placeless
from tests.bench.planted import FAULTS, RIGHT, STALE, WRONG
from tests.conftest import Checkout

Make = Callable[[Mapping[str, str]], Checkout]
Arms = dict[str, dict[str, Any]]
EAGER = ("--mode=eager", "--reference=linear/manual")  # which starts in half the time of nn_sgd


@pytest.fixture(scope="module")
def faulty(checkout: Make) -> tuple[int, Arms]:
    """A race of one right arm among arms that break in every way."""
    planted = {f"linear/{name}.py": source for name, source in FAULTS.items()} | {"linear/right.py": RIGHT}
    chosen = [f"--implementation=linear/{name}" for name in (*FAULTS, "right")]
    place = checkout(planted)
    return place.arms("--workload=linear/five", *EAGER, "--updates=40", "--rounds=2", "--limit=6s", *chosen)


@pytest.fixture(scope="module")
def wrong(checkout: Make) -> tuple[int, Arms]:
    """A race of arms that compute something else."""
    place = checkout({f"linear/{name}.py": source for name, source in WRONG.items()})
    chosen = [f"--implementation=linear/{name}" for name in WRONG]
    return place.arms("--workload=linear/five", *EAGER, "--updates=2000", "--rounds=1", *chosen)


FATES = [
    ("raises", "failed", "ValueError: the planted fault"),
    ("raises_in_build", "failed", "RuntimeError: no luck today"),
    ("exits", "crashed", "exited with status 7 during first update"),
    ("leaves", "failed", "SystemExit: 3"),
    ("killed", "crashed", "killed by SIGKILL during first update"),
    ("segfaults", "crashed", "killed by SIGSEGV during first update"),
    ("hangs", "timeout", "first update took longer than 6 s"),
    ("hangs_in_build", "timeout", "build took longer than 6 s"),
    ("hangs_at_import", "timeout", "import took longer than 6 s"),
    ("hangs_late", "timeout", "took longer than 6 s"),
    ("dies_late", "crashed", "exited with status 9 during"),
    ("eats_memory", "out_of_memory", "memory"),
    ("needs_more", "unavailable", "pip install not_a_package_of_anybody"),
    ("refuses", "unsupported", "only on Sundays"),
]


@pytest.mark.parametrize(("name", "status", "reason"), FATES)
def test_a_fault_becomes_a_row_with_its_reason(faulty: tuple[int, Arms], name: str, status: str, reason: str) -> None:
    """An arm that breaks keeps its row, under the status and the reason that a person needs."""
    arm = faulty[1][f"linear/{name} eager"]
    assert status == arm["status"]
    assert reason in arm["reason"]
    assert arm["rank"] is None


@pytest.mark.parametrize("name", ["right", "manual", "chatters", "meddles"])
def test_a_fault_harms_no_neighbour(faulty: tuple[int, Arms], name: str) -> None:
    """Arms that work are measured and right in every round, whatever happens beside them."""
    arm = faulty[1][f"linear/{name} eager"]
    assert (arm["status"], arm["rounds"]) == ("ok", 2)
    assert arm["seconds_per_update"] > 0


def test_failed_arms_are_said_by_the_exit_status(faulty: tuple[int, Arms]) -> None:
    """A run with failed arms, all answers right, ends with status 4."""
    assert faulty[0] == 4


@pytest.mark.parametrize("name", list(WRONG))
def test_a_wrong_answer_is_caught_and_never_ranked(wrong: tuple[int, Arms], name: str) -> None:
    """A wrong arm keeps its row and its time, and is neither ranked nor called faster."""
    arm = wrong[1][f"linear/{name} eager"]
    assert arm["status"] == "wrong"
    assert arm["verdict"] == "wrong"
    assert arm["rank"] is None
    assert arm["seconds_per_update"] > 0


def test_wrong_answers_are_said_by_the_exit_status(wrong: tuple[int, Arms]) -> None:
    """A run with a wrong answer ends with status 3."""
    assert wrong[0] == 3


def test_a_stale_batch_order_is_caught(checkout: Make) -> None:
    """An arm that is right for an epoch and then repeats its first batches is wrong, by the probe."""
    place = checkout({"linear/stale.py": STALE})
    status, arms = place.arms(
        "--workload=linear/line", "--rows=1000", "--batch=100", "--updates=40", *EAGER, "--rounds=1",
        "--implementation=linear/stale", "--implementation=linear/numpy",
    )  # fmt: skip
    assert status == 3
    assert (arms["linear/stale eager"]["status"], arms["linear/numpy eager"]["status"]) == ("wrong", "ok")


def test_a_reason_names_no_place_of_this_machine() -> None:
    """Compilers print their whole command when they fail; in a published reason no folder may name the machine or its user."""
    message = f"g++ -o {Path.home()}/.cache/x.so {ROOT}/impls/native.py {tempfile.gettempdir()}/a.cpp /usr/lib"
    assert placeless(message) == "g++ -o ~/.cache/x.so ./impls/native.py <temporary>/a.cpp /usr/lib"
    assert placeless(f"{Path.home()}-of-another") == f"{Path.home()}-of-another"
    assert str(Path.home()) not in placeless(f"-I{sys.prefix}/include/torch")
