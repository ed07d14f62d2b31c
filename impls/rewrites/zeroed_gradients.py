"""Gradients are filled with zeros and added to, instead of being made anew by each update."""

from typing import TYPE_CHECKING

from impls.recipe.optimizer_patch import for_each_optimizer, unreachable
from impls.recipe.rewrite import Rewrite

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

LINES = """
def zero_grad(set_to_none=False, zero_grad=one.zero_grad):
    zero_grad(set_to_none=False)

one.zero_grad = zero_grad
"""


def applies(step: "LiveStep") -> str | None:
    """Not for sparse gradients, which would become dense."""
    if step.facts.sparse:
        return f"the gradient of {step.facts.sparse[0]} is sparse: zeros would make it as large as the parameter"
    return unreachable(step)


REWRITE = Rewrite(
    summary="gradients are filled with zeros and added to, instead of being made anew",
    group="gradients",
    patch=for_each_optimizer("zeroed_gradients", LINES),
    applies=applies,
    excludes=("autograd_grad", "functional_gradients"),
)
