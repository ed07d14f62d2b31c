"""Costs planted in a step: its ways compute the same, and a cost is compared with the parts that it belongs to."""

import importlib.util
from pathlib import Path
from typing import Any

import torch

from bench.selfbench.costs_in_steps import NOTHING, PLANTS, found, source
from reports.profile.attribution import ORDER


def attribution(name: str, **parts: float) -> dict[str, Any]:
    """An attribution as in the JSON document; underscores stand for spaces."""
    listed = [{"name": part.replace("_", " "), "seconds": seconds} for part, seconds in parts.items()]
    return {"implementation": f"way_{name}", "measured": sum(parts.values()), "parts": listed}


def test_planted_costs_belong_to_parts_that_there_are() -> None:
    """Each is looked for somewhere."""
    assert all(set(parts) <= set(ORDER) for parts in PLANTS.values())


def test_a_cost_is_compared_with_the_parts_that_it_belongs_to() -> None:
    """Of 3 more in the race, 2 are in the right parts and 1 elsewhere."""
    plain = attribution(NOTHING, interpreter=1.0, dispatch=1.0, copies=1.0)
    more = [attribution(name, interpreter=2.0, dispatch=1.0, copies=3.0) for name in PLANTS]
    assert found([plain, *more])["copy"] == (2.0, 3.0)
    assert found([plain, *more])["busy_interpreter"] == (1.0, 3.0)


def test_all_ways_compute_the_same(tmp_path: Path) -> None:
    """After three updates from one start the weights of all ways are equal to the bit: what is planted changes nothing."""
    file = tmp_path / "planted.py"
    file.write_text(source(), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("planted", file)
    assert spec is not None
    assert spec.loader is not None
    step = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(step)
    answers = []
    for name in (NOTHING, *PLANTS):
        torch.manual_seed(0)
        model = step.model(8)
        optimizer, batches = step.optimizer(model), step.batches(1, 4)
        for _ in range(3):
            getattr(step, f"way_{name}")(model, optimizer, next(batches))
        answers.append(torch.cat([weight.detach().flatten() for weight in model.parameters()]))
    assert all(torch.equal(answers[0], other) for other in answers)
