"""Which steps several processes can share, and what is said of the others."""

from dataclasses import replace
from pathlib import Path

import pytest

from impls.recipe.ddp_patch import without_wrapper
from impls.recipe.ranks_patch import undivided
from tests.impls.steps_in_tests import PATTERNS, live, same_process, written

__all__ = ("same_process",)
MEAN = "    return nn.functional.cross_entropy(model(images), labels)\n"


def changed(old: str, new: str) -> str:
    """The step with one piece in the place of another."""
    assert old in PATTERNS
    return PATTERNS.replace(old, new)


@pytest.mark.usefixtures("same_process")
@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (PATTERNS, "each needs a core: give the race --threads 2"),
        (changed(MEAN, MEAN.replace(")\n", ", reduction='sum')\n")), "not the mean of the losses of its rows"),
        (changed(MEAN, MEAN.replace("labels)", "labels) * images.max()")), "not the mean of the losses of its rows"),
        (changed("nn.ReLU(), nn.MaxPool2d(2)", "nn.BatchNorm2d(channels), nn.MaxPool2d(2)"), "1.running_mean"),
        (changed("nn.ReLU(), nn.MaxPool2d(2)", "nn.Dropout(), nn.MaxPool2d(2)"), "each process would draw its own"),
        (changed("batch=8", "batch=2"), "too small for 2 processes"),
        (
            changed("    return torch.optim", "    return [torch.optim").replace("foreach)\n", "foreach)][0]\n", 1),
            "--threads 2",
        ),
    ],
)
def test_a_step_is_shared_or_a_sentence_says_why_not(tmp_path: Path, source: str, reason: str) -> None:
    """Only a step whose loss is the mean over its rows, which nothing couples, can be dealt out to processes."""
    assert reason in str(undivided(live(written(tmp_path, source))))


@pytest.mark.usefixtures("same_process")
def test_a_loss_that_looks_into_the_model_is_not_wrapped(tmp_path: Path) -> None:
    """DistributedDataParallel shows the model's output and nothing else of it."""
    reads = changed(MEAN, MEAN.replace("labels)", "labels) + 0 * model[0].weight.sum()"))
    step = live(written(tmp_path, reads))
    step.setting = replace(step.setting, threads=2)
    assert "more of the model than to call it" in str(without_wrapper(step))


@pytest.mark.usefixtures("same_process")
def test_looking_changes_nothing(tmp_path: Path) -> None:
    """The state is as it was, and so are the random numbers that an update draws."""
    step, other = (live(written(tmp_path, PATTERNS)) for _ in range(2))
    undivided(step)
    without_wrapper(step)
    assert step.update_once().equal(other.update_once())
