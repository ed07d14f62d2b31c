"""Checks the attributions of steps: ways to write one step carry a planted cost each, and it must be in the right part.

A cost is how much longer its way takes than the one without a cost, in the same race. It is about half as long as the
update, and moves little memory, so that it leaves other parts alone.
"""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.processes.worker_process import ROOT
from bench.selfbench.figure import Figure
from bench.selfbench.planted_costs import python

# The parts of an attribution that each planted cost belongs to, by the name of its way.
PLANTS: dict[str, tuple[str, ...]] = {
    "busy_interpreter": ("interpreter",),
    "forward_operation": ("dispatch", "forward", "forward kernels"),
    "backward_operation": ("autograd", "backward", "backward kernels"),
    "optimizer_operation": ("optimizer", "optimizer step", "optimizer kernels"),
    "copy": ("copies",),
}
NOTHING = "nothing"
NEAR = 0.15

STEP = '''"""A small network, written once as it is and once with each planted cost."""

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from bench.clock import now

NUMBERS = torch.linspace(1, 9, 8_000)  # few, so that the caches keep what the update needs
ROOM, BYTES = torch.empty_like(NUMBERS), torch.empty_like(NUMBERS, dtype=torch.uint8)
planted = ""


def work():
    for _ in range(5):
        torch.lgamma(NUMBERS, out=ROOM)


class Identity(torch.autograd.Function):
    """Changes nothing; its backward pass has a planted operation."""

    @staticmethod
    def forward(ctx, value):
        return value.view_as(value)

    @staticmethod
    def backward(ctx, gradient):
        if planted == "backward_operation":
            work()
        return gradient


def model(hidden=256):
    return nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 10))


def optimizer(model):
    made = torch.optim.Adam(model.parameters(), foreach=False)

    def operate(*_):
        if planted == "optimizer_operation":
            work()

    made.register_step_post_hook(operate)
    return made


def batches(seed, batch=128):
    generator = torch.Generator().manual_seed(seed)
    while True:
        inputs = torch.randn(batch, 64, generator=generator)
        yield inputs, torch.randint(0, 10, (batch,), generator=generator)


def loss(model, batch):
    inputs, labels = batch
    if planted == "forward_operation":
        work()
    if planted == "copy":
        torch._foreach_copy_([BYTES] * 40, [NUMBERS] * 40)
    return cross_entropy(Identity.apply(model(inputs)), labels)


def plain_update(model, optimizer, batch):
    optimizer.zero_grad()
    value = loss(model, batch)
    value.backward()
    optimizer.step()
    if planted == "busy_interpreter":
        end = now() + 2.5e-4
        while now() < end:
            pass
    return value.detach()

'''
WAY = """

def way_{name}(model, optimizer, batch):
    global planted
    planted = "{name}"
    return plain_update(model, optimizer, batch)
"""


def figures(repetitions: int) -> Iterator[Figure]:
    """Races and profiles the ways several times; for each cost the result with the median error."""
    seen: dict[str, list[tuple[float, float]]] = {}
    for _ in range(repetitions):
        for name, costs in found(_profiled()["attributions"]).items():
            seen.setdefault(name, []).append(costs)
    for name, many in seen.items():
        there, cost = sorted(many, key=lambda costs: costs[0] / costs[1])[len(many) // 2]
        off = there / cost - 1
        sentence = f"{there * 1e6:.1f} of {cost * 1e6:.1f} µs ({off:+.0%})"
        yield Figure(f"planted in a step: {name.replace('_', ' ')}", sentence, "within 15 %", abs(off) <= NEAR)


def source() -> str:
    """The step file."""
    return STEP + "".join(WAY.format(name=name) for name in (NOTHING, *PLANTS))


def found(attributions: list[dict[str, Any]]) -> dict[str, tuple[float, float]]:
    """Seconds more in the right parts, and seconds that the way took longer, by planted cost."""
    seen = {each["implementation"].removeprefix("way_"): each for each in attributions}
    parts = {name: {part["name"]: part["seconds"] for part in each["parts"]} for name, each in seen.items()}
    return {
        name: (
            sum(parts[name].get(part, 0.0) - parts[NOTHING].get(part, 0.0) for part in belongs),
            seen[name]["measured"] - seen[NOTHING]["measured"],
        )
        for name, belongs in PLANTS.items()
    }


def _profiled() -> dict[str, Any]:
    """The document of `profile` for the step file."""
    with tempfile.TemporaryDirectory(prefix="looprace-costs-") as folder:
        step = Path(folder, "planted_costs.py")
        step.write_text(source(), encoding="utf-8")
        here = ["--results", str(Path(folder, "results")), "--json"]
        printed = python(ROOT, "-m", "bench", "profile", str(step), "--rewrite=none", *here)
    document: dict[str, Any] = json.loads(printed)
    return document
