"""Planted costs: their sources are implementations like any other, and a cost is reported in the right part."""

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
    """An attribution as in the JSON document, parts in µs; underscores stand for spaces."""
    found = [{"name": part.replace("_", " "), "seconds": seconds * US, "how": ""} for part, seconds in parts.items()]
    return {"implementation": f"linear/{name}", "measured": sum(parts.values()) * US, "parts": found}


def test_plants_belong_to_parts_that_there_are() -> None:
    """Each plant has its parts; the arm without a plant has none."""
    assert {part for plant in PLANTS.values() for part in plant.parts} <= set(ORDER)
    assert PLANTS[NOTHING].parts == ()


def test_a_planted_cost_is_found_in_its_parts() -> None:
    """Of 94 µs in the race 93 are in the right parts; the cost by itself is only reported."""
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
    """A cost that is in no part, or is unexplained, is missed entirely."""
    seen = [attribution(NOTHING, interpreter=10), attribution("truth_copy", interpreter=60, unexplained=30)]
    assert differences(seen, {"truth_copy": 80 * US})["truth_copy"].off == -1


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_source_is_a_python_file(name: str) -> None:
    """The source of a planted arm has the cost inside its loop."""
    tree = ast.parse(source_of(PLANTS[name]))
    loop = next(node for node in ast.walk(tree) if isinstance(node, ast.For))
    assert len(loop.body) == 1 + len(ast.parse(PLANTS[name].code).body)


def test_planted_arms_compute_what_the_arm_they_are_built_on_computes(tmp_path: Path) -> None:
    """In a checkout of their own, the catalogue finds all planted arms, and each keeps the contract."""
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
