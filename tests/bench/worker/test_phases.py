"""The phases of an update: a planted cost is found in its phase, and what is timed is left as it was."""

from pathlib import Path

import pytest
import torch

from bench.worker.device import Stopwatch
from bench.worker.phases import Phases
from tests.impls.steps_in_tests import PATTERNS, live, written

WAIT = """

import time

def waiting(call):
    def slower(*arguments, **keywords):
        value = call(*arguments, **keywords)
        time.sleep(0.02)
        return value
    return slower
"""
PLANTS = {
    "data": "\nmake = batches\n\ndef batches(seed, **more):\n    yield from iter(waiting(make(seed, **more).__next__), None)\n",
    "forward": "\nloss = waiting(loss)\n",
    "optimizer": "\ngradients = waiting(gradients)\n",
    "backward": "\nclass Slow(torch.autograd.Function):\n"
    "    @staticmethod\n    def forward(c, x):\n        return x.clone()\n"
    "    @staticmethod\n    def backward(c, g):\n        return waiting(g.clone)()\n\n"
    "own = loss\n\ndef loss(model, batch):\n    return Slow.apply(own(model, batch))\n",
}


@pytest.mark.parametrize("phase", PLANTS)
def test_a_planted_cost_is_found_in_its_phase(phase: str, tmp_path: Path) -> None:
    """Twenty milliseconds more in each update are those of the phase; clipping belongs to the optimizer's."""
    step = live(written(tmp_path, PATTERNS + WAIT + PLANTS[phase]))
    before = torch.autograd.backward, set(vars(step.optimizer))
    seconds = Phases(step, Stopwatch("cpu")).time(3)
    assert seconds[phase] == max(seconds.values()) >= 0.06
    assert (torch.autograd.backward, set(vars(step.optimizer))) == before
