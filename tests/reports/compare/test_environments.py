"""Differences between the environments of two runs, whatever an environment file holds."""

from typing import Any

import pytest

from reports.compare.environments import coordinates, differences, listed, setup_of
from tests.reports.records import ENVIRONMENT, MANUAL, arm, plan, race


def test_the_same_environment_differs_in_nothing() -> None:
    """A run's setup equals that of another run on the same machine."""
    one, other = setup_of(ENVIRONMENT), setup_of(dict(ENVIRONMENT))
    assert one == other
    assert one.name == "Made-up 9000, 2 cores, 2 threads, 8 GiB, no GPU"


def test_a_little_memory_more_or_less_is_the_same_machine() -> None:
    """Memory is compared to the GiB, because kernels reserve different amounts."""
    machine = ENVIRONMENT["machine"]
    other = setup_of(ENVIRONMENT | {"machine": machine | {"memory_bytes": 2**33 - 30_000_000}})
    assert other.machine == setup_of(ENVIRONMENT).machine
    assert setup_of(ENVIRONMENT | {"machine": machine | {"memory_bytes": 2**34}}).machine != other.machine


def test_only_what_differs_is_named() -> None:
    """Only packages whose versions differ, or that one of the two lacks, are listed."""
    packages = {"torch": "2.12.0", "numpy": "2.4.6", "jax": "0.10.2"}
    then, now = setup_of(ENVIRONMENT | {"packages": packages}), setup_of(ENVIRONMENT)
    found = differences(then.software, now.software, "not installed")
    assert [each.text for each in found] == [
        "torch: 2.12.0 then, 2.13.0+cpu now",
        "jax: 0.10.2 then, not installed now",
    ]
    assert listed(found, most=1) == "torch: 2.12.0 then, 2.13.0+cpu now; and 1 more"


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"machine": None, "packages": [], "revision": "x", "variables": 3},
        {"machine": {"gpus": "none", "memory_bytes": "much", "cores": {}}},
        {"machine": {"gpus": [None, {"name": None}], "memory_bytes": -1}},
        {"packages": {"torch\x1b[31m": "\u202e2"}, "python": "3\n"},
    ],
)
def test_any_json_can_be_an_environment(environment: dict[str, Any]) -> None:
    """Missing or malformed entries read as not recorded, and control characters are taken out."""
    found = setup_of(environment)
    texts = [*found.machine.values(), *found.software, *found.software.values(), *found.others.values()]
    assert all(text.isprintable() for text in texts)
    assert found.others["commit"] == "not recorded"


def test_a_changed_checkout_says_so() -> None:
    """A commit with uncommitted changes is another commit."""
    found = setup_of(ENVIRONMENT | {"revision": {"commit": "0123abc", "changed": True}})
    assert found.others["commit"] == "0123abc, with changes"


def test_plans_differ_in_their_coordinates() -> None:
    """Coordinates are listed with all values that a plan has, and its references."""
    small = plan(race(arm("linear/c", rows=100), reference=arm("linear/nn_sgd", "reference", rows=100)))
    found = differences(coordinates(plan(race(MANUAL))), coordinates(small))
    assert [each.text for each in found] == ["rows: 100 000 then, 100 now"]
