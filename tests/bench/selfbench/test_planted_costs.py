"""Planted costs: their sources are implementations like any other, and a difference is found where it is."""

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.selfbench.planted_costs import NOTHING, PLANTS, differences, planted, source_of
from reports.profile.attribution import ORDER
from tests.impls.planted import say

US = 1e-6


def attribution(name: str, **parts: float) -> Mapping[str, Any]:
    """One of the JSON document; underscores for spaces, in µs."""
    found = [{"name": part.replace("_", " "), "seconds": seconds * US, "how": ""} for part, seconds in parts.items()]
    return {"implementation": f"linear/{name}", "measured": sum(parts.values()) * US, "parts": found}


def test_plants_belong_to_parts_that_there_are() -> None:
    """And the arm without a plant to none."""
    assert {part for plant in PLANTS.values() for part in plant.parts} <= set(ORDER)
    assert PLANTS[NOTHING].parts == ()


def test_a_planted_cost_is_found_in_its_parts() -> None:
    """Of 94 µs that the race found, 93 are in its parts; what it costs bare is only told."""
    seen = [
        attribution(NOTHING, interpreter=10, dispatch=5, forward_kernels=100, unexplained=1),
        attribution("truth_operation", interpreter=14, dispatch=6, forward_kernels=192, unexplained=-2),
    ]
    found = differences(seen, {"truth_operation": 80 * US})["truth_operation"]
    assert found.cost == pytest.approx(94 * US)
    assert found.found == pytest.approx(93 * US)
    assert found.bare == 80 * US
    assert found.off == pytest.approx(93 / 94 - 1)


def test_a_cost_that_was_put_elsewhere_is_missed() -> None:
    """Nothing in its part is all of it missed, and what is unexplained is in no part."""
    seen = [attribution(NOTHING, interpreter=10), attribution("truth_copy", interpreter=60, unexplained=30)]
    assert differences(seen, {"truth_copy": 80 * US})["truth_copy"].off == -1


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_source_is_a_python_file(name: str) -> None:
    """With its code inside the loop."""
    tree = ast.parse(source_of(PLANTS[name]))
    loop = next(node for node in ast.walk(tree) if isinstance(node, ast.For))
    assert len(loop.body) == 1 + len(ast.parse(PLANTS[name].code).body)


def test_planted_arms_compute_what_the_arm_they_are_built_on_computes(tmp_path: Path) -> None:
    """Every one keeps the contract, in a checkout of its own, where the catalogue finds them all."""
    checkout = planted(tmp_path / "checkout")
    script = f"""
import torch
from impls.contract import catalogue
from impls.contract.task import Compiler, make_task
workload = catalogue.workloads()["linear/five"]
setting = workload.setting()
task = make_task(workload.problem(setting), setting, Compiler("eager"))
answers = []
for name in ["analytic", *{list(PLANTS)}]:
    arm = catalogue.load("linear/" + name)(task)
    assert "linear/" + name in catalogue.implementations()
    arm.reset()
    arm.advance(3)
    answers.append(torch.cat([value.reshape(-1) for value in arm.weights().values()]))
print(all(torch.equal(answer, answers[0]) for answer in answers))
"""
    assert say(script, checkout) == "True"
