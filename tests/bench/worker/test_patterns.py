"""What PyTorch's pattern finder says of a step, as looprace hands it on."""

from pathlib import Path

from bench.worker import device
from bench.worker.patterns import patterns_of
from bench.worker.torch_profiler import Subject
from impls.recipe import step_file, steps
from impls.recipe.live_step import LiveStep

SLOW_HABITS = '''"""A convolution with a useless bias, and an optimizer that updates one tensor after the other."""

import torch
from torch import nn


def model():
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 2))


def optimizer(model):
    return torch.optim.Adam(model.parameters(), foreach=False)


def batches(seed):
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield torch.randn(4, 1, 8, 8, generator=generator)


def loss(model, batch):
    return model(batch).square().mean()
'''


def test_slow_habits_are_seen_and_gpu_advice_is_not_given_to_a_cpu(tmp_path: Path) -> None:
    """The bias before BatchNorm and the loop over tensors, once an update each; nothing of TF32, which a CPU has not."""
    path = tmp_path / "slow_habits.py"
    path.write_text(SLOW_HABITS, encoding="utf-8")
    file = step_file.read(path, "slow_habits.py")
    setting = steps.setting(file, {})
    seen = patterns_of(Subject(LiveStep(file, setting), setting, device.Stopwatch("cpu")))
    assert seen.missing is None
    assert {(one.name, one.times, one.saves) for one in seen.patterns} == {
        ("Optimizer Single Tensor Pattern", 1.0, None),
        ("Enabling Bias in Conv2d Followed By BatchNorm Pattern", 1.0, None),
    }
