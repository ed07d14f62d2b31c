"""The name of an arm in exports and histories: the same in every run, and never that of another job."""

from dataclasses import replace
from typing import Any

import pytest

from bench.results import identity, record
from bench.results.record import Arm
from impls.contract.catalogue import workloads
from impls.contract.coordinates import COORDINATES
from impls.contract.setting import Setting

LINE = Setting(rows=100_000, features=1, updates=10_000, lr=1e-4)


def arm(workload: str = "linear/line", setting: Setting = LINE) -> Arm:
    """An arm of this job."""
    return Arm(workload=workload, implementation="linear/manual", setting=setting)


@pytest.mark.parametrize("workload", sorted(identity.JOBS))
def test_the_job_that_was_the_workloads_own_is_not_spelt_out(workload: str) -> None:
    """Series that were exported before go on under their names."""
    usual = arm(workload, workloads()[workload].setting())
    assert usual.key == f"{workload} linear/manual cpu eager"


def test_what_was_spelt_out_before_still_is() -> None:
    """Coordinates stand in the order of the first exports; a twin says that it is one."""
    other = replace(LINE, batch=256, dtype="float64", threads=2, rows=300, features=3, updates=20, lr=0.5, seed=1)
    words = "batch 256 dtype float64 threads 2 rows 300 features 3 updates 20 lr 0.5 seed 1"
    assert arm(setting=other).key == f"linear/line linear/manual cpu eager {words}"
    twin = Arm(workload="linear/line", implementation="linear/nn_sgd", setting=LINE, role="twin")
    assert twin.key == "linear/line linear/nn_sgd cpu eager (twin)"


def test_a_key_does_not_depend_on_the_defaults_of_today(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a workload's job has changed, or is gone, the key stays and only the label follows."""
    key, label = arm().key, arm().label
    monkeypatch.setattr(record, "workloads", dict)
    assert arm().key == key
    assert arm().label.startswith(f"{label} batch full")


@pytest.mark.parametrize("name", [each.name for each in COORDINATES if each.name not in ("every",)])
@pytest.mark.parametrize("workload", ["linear/line", "steps/new"])
def test_jobs_that_differ_in_one_coordinate_have_different_keys(name: str, workload: str) -> None:
    """Whatever it is that differs."""
    other: dict[str, Any] = {
        "device": "cuda",
        "mode": "compile",
        "watch": "loss",
        "batch": 7,
        "dtype": "float64",
        "lr": 0.5,
    }
    changed = replace(LINE, **{name: other.get(name, 2)})
    assert arm(workload, changed).key != arm(workload).key


def test_a_workload_without_an_old_name_is_named_in_full() -> None:
    """Its own defaults may change later, so every size stands in the key."""
    assert arm("steps/new").key == "steps/new linear/manual cpu eager rows 100000 features 1 updates 10000 lr 0.0001"


def test_every_coordinate_has_its_place_in_the_key() -> None:
    """Somebody who adds a coordinate must say what arms had before there was a choice."""
    assert {each.name for each in COORDINATES if not each.raced} == set(identity.ORDER)
