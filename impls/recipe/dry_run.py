"""An update of a live step with a patch, made to see whether it works and what it changes, and undone. Loads torch."""

import random
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from impls.recipe.state import RandomState, Snapshot

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep


def failure(step: "LiveStep", patch: str) -> str | None:
    """Why an update fails with a patch, in a sentence; None when it works."""
    try:
        _after(step, patch)
    except Exception as error:  # noqa: BLE001 - whatever it raises is the reason
        text = " ".join(str(error).split()) or "no message"
        return f"an update fails with it: {type(error).__name__}: {text[:200].rstrip('.')}"
    return None


def failure_of_autocast(step: "LiveStep", patch: str, precision: str) -> str | None:
    """Why a patch that computes in this precision by autocast is of no use, in a sentence: it fails or changes nothing."""
    if reason := failure(step, patch):
        return reason
    if step.setting.dtype == "float32" and changes_nothing(step, patch):
        return f"it changes nothing: the step has no operation that autocast computes in {precision}"
    return None


def changes_nothing(step: "LiveStep", patch: str) -> bool:
    """Whether an update with a patch equals one without it, to the bit. Raises what the update raises."""
    plain, patched = _after(step, ""), _after(step, patch)
    return all(torch.equal(plain[name], patched[name]) for name in plain)


def _after(step: "LiveStep", patch: str) -> dict[str, Tensor]:
    """The tensors of a step's state after an update with a patch; state, file and random numbers are put back."""
    random_state, state, names = RandomState(), Snapshot(step.model, step.optimizer), dict(vars(step.module))
    torch.manual_seed(0)
    random.seed(0)
    np.random.seed(0)
    try:
        model, optimizer = step.take(patch)
        step.module.update(model, optimizer, step.batches[0])
        return {name: tensor.detach().clone() for name, tensor in step.tensors().items()}
    finally:
        state.restore()
        vars(step.module).clear()
        vars(step.module).update(names)
        random_state.restore()
