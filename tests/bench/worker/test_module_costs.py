"""What the modules of a step cost, found by hooks and by the nodes of autograd's graph."""

from pathlib import Path

import pytest

from bench.messages.probes import ModulesSeen
from bench.results.profile import ModuleCost
from bench.worker import device
from bench.worker.module_costs import costs_of_modules
from bench.worker.torch_profiler import Subject
from impls.recipe import step_file, steps
from impls.recipe.live_step import LiveStep

TWO_LAYERS = '''"""Two layers, of which the first is slow in its own code."""

import torch
from torch import nn

from bench.clock import now


class Slow(nn.Linear):
    def forward(self, x):
        until = now() + 2e-2
        while now() < until:
            pass
        return super().forward(x)


def model():
    return nn.Sequential(Slow(64, 32), nn.Linear(32, 16))


def optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.01)


def batches(seed, batch=8):
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield torch.randn(batch, 64, generator=generator)


def loss(model, batch):
    return model(batch).square().mean()
'''
SECONDS = 2.1e-2


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> ModulesSeen:
    """What was seen of the two layers."""
    path: Path = tmp_path_factory.mktemp("steps") / "two_layers.py"
    path.write_text(TWO_LAYERS, encoding="utf-8")
    file = step_file.read(path, "two_layers.py")
    setting = steps.setting(file, {})
    step = LiveStep(file, setting)
    found = costs_of_modules(Subject(step, setting, device.Stopwatch("cpu")), SECONDS)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in step.model.modules())
    return found


def cost(seen: ModulesSeen, module: str, phase: str) -> ModuleCost:
    """One row."""
    return next(one for one in seen.modules if (one.module, one.phase) == (module, phase))


def test_a_slow_module_is_found(seen: ModulesSeen) -> None:
    """Its 20 ms are its own, whatever else a busy machine makes slow, and all rows add up to the update."""
    assert sum(one.seconds for one in seen.modules) == pytest.approx(SECONDS)
    assert 0.7 * SECONDS < cost(seen, "0", "forward").seconds < SECONDS


def test_operations_and_bytes_are_those_of_the_products(seen: ModulesSeen) -> None:
    """The second layer multiplies once forward and twice backward; the first needs no gradient of its input."""
    second, first = 2 * 8 * 32 * 16, 2 * 8 * 64 * 32
    found = [cost(seen, module, phase).operations for module in "01" for phase in ("forward", "backward")]
    assert found == [first, first, second, 2 * second]
    assert cost(seen, "1", "forward").bytes == 4 * (8 * 32 + 32 * 16 + 16 + 8 * 16)
