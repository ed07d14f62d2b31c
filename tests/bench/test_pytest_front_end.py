"""pytest-benchmark as a front end: `pytest bench` run as a person would, and its JSON."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.system.gpu_presence import why_no_gpu
from tests.conftest import ROOT

STEP = '''"""A line, and a way to learn it that takes twice the gradient."""

import torch
from torch import nn


def model():
    return nn.Linear(4, 1)


def optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=1e-2)


def batches(seed):
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield torch.randn(8, 4, generator=generator)


def loss(model, batch):
    return ((model(batch) - batch.sum(1, keepdim=True)) ** 2).mean()


def way_twice(model, optimizer, batch):
    optimizer.zero_grad()
    value = loss(model, batch)
    (2 * value).backward()
    optimizer.step()
    return value.detach()
'''


def pytest_bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m pytest bench ARGUMENTS`."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "bench", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={k: v for k, v in os.environ.items() if not k.startswith("PYTEST")},
    )


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A storage of pytest-benchmark that holds one run of one arm, and its JSON beside it."""
    folder = tmp_path_factory.mktemp("storage")
    chosen = ("-k", "five and manual and eager")
    done = pytest_bench(*chosen, f"--benchmark-storage=file://{folder}", "--benchmark-autosave",
                        f"--benchmark-json={folder / 'out.json'}")  # fmt: skip
    assert done.returncode == 0, done.stdout
    return folder


def test_every_arm_is_listed_and_chosen_by_name() -> None:
    """`-k` takes the words that name an arm everywhere else."""
    done = pytest_bench("--collect-only", "-q", "-k", "nn_sgd and eager and not watch")
    assert "test_arm[linear/five linear/nn_sgd cpu eager]" in done.stdout
    assert "test_arm[linear/line linear/nn_sgd cpu eager]" in done.stdout
    assert "manual" not in done.stdout


def test_the_json_holds_times_and_answers(storage: Path) -> None:
    """Seconds are those of the worker; loss, weights and distance are in extra_info; the machine is described."""
    document = json.loads((storage / "out.json").read_text())
    (benchmark,) = document["benchmarks"]
    assert ("linear/five", 30) == (benchmark["group"], benchmark["stats"]["rounds"])
    assert 1e-7 < benchmark["stats"]["median"] < 1e-1
    assert benchmark["extra_info"]["loss"] == pytest.approx(8.2392, abs=1e-3)
    assert benchmark["extra_info"]["distance"] <= benchmark["extra_info"]["tolerance"]
    assert "weight" in benchmark["extra_info"]["weights"]
    assert "torch" in document["machine_info"]["packages"]


def test_a_stored_run_is_compared_with(storage: Path) -> None:
    """`--benchmark-compare` finds the arm of the stored run under the same name."""
    done = pytest_bench(
        "-k", "five and manual and eager", f"--benchmark-storage=file://{storage}", "--benchmark-compare"
    )
    assert done.returncode == 0, done.stdout
    assert "(NOW)" in done.stdout
    assert "(0001_" in done.stdout


@pytest.mark.skipif(why_no_gpu() is None, reason="there is a GPU here")
def test_an_arm_that_needs_a_missing_gpu_is_skipped_with_the_reason() -> None:
    """The reason is the one that `bench run` gives, and no worker is started to find it out."""
    done = pytest_bench("-k", "five and triton_update")
    assert done.returncode == 0
    assert f"there is no GPU: {why_no_gpu()}" in done.stdout


def test_a_step_is_measured_and_judged(tmp_path: Path) -> None:
    """`--step` measures its plain update, its ways and the rewrites that were named, and says how each answer compares."""
    step = tmp_path / "my_step.py"
    step.write_text(STEP, encoding="utf-8")
    chosen = (f"--step={step}", "--rewrite=fused", f"--benchmark-json={tmp_path / 'out.json'}")
    done = pytest_bench(*chosen)
    assert "1 failed, 2 passed" in done.stdout
    assert "way_twice" in done.stdout
    benchmarks = json.loads((tmp_path / "out.json").read_text())["benchmarks"]
    answers = {benchmark["param"].split()[1]: benchmark["extra_info"].get("answer") for benchmark in benchmarks}
    assert answers["plain"] == "identical"
    assert answers["fused"] in ("identical", "same", "closer")
