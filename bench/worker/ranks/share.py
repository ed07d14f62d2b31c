"""What a rank needs for its own rows of an update, by itself; the rest of an update is talk and waiting. Loads torch."""

from statistics import median
from typing import Any

from bench.worker.device import Stopwatch
from impls.recipe.facts import rows_of
from impls.recipe.live_step import LiveStep
from impls.recipe.ranks_patch import OWN_ROWS

BLOCKS, LONG = 9, 0.02  # blocks that are timed, and about how many seconds each has
FIRST, MOST = 3, 1000  # updates of the first block, and at most


def is_known(arm: Any) -> bool:
    """Whether an arm's rank can compute its rows by itself: a step's that holds the whole model."""
    return isinstance(arm, LiveStep) and hasattr(arm.module, OWN_ROWS) and not hasattr(arm.module, "sharded")


def rows(step: LiveStep) -> int:
    """How many rows of a batch this rank computes."""
    own = vars(step.module)[OWN_ROWS](step.batches[0])[0]
    return rows_of(own)


def seconds(step: LiveStep) -> float:
    """Seconds an update: loss, gradients and the optimizer's step for this rank's rows of a batch. The state moves on."""
    stopwatch, made = Stopwatch(step.setting.device), FIRST
    first = _block(step, made, stopwatch)
    made = max(FIRST, min(MOST, round(LONG / first)))
    return median(_block(step, made, stopwatch) for _ in range(BLOCKS))


def _block(step: LiveStep, updates: int, stopwatch: Stopwatch) -> float:
    names, model, optimizer = vars(step.module), step.model, step.optimizers[""]
    own = [names[OWN_ROWS](batch)[0] for batch in step.batches]
    loss, gradients = names["loss"], names.get("gradients")

    def made() -> None:
        for number in range(updates):
            optimizer.zero_grad(set_to_none=True)
            loss(model, own[number % len(own)]).backward()
            if gradients is not None:
                gradients(model)
            optimizer.step()

    return stopwatch.time(made)[0] / updates
