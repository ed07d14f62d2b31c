"""The optimizer's step compiled; learning rates reach it as tensors, so that a schedule does not compile it anew."""

from typing import TYPE_CHECKING

from impls.recipe.optimizer_patch import for_each_optimizer, unreachable
from impls.recipe.rewrite import Rewrite

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

PATCH = (
    for_each_optimizer("compiled_optimizer", "one.step = compiled_step(one)")
    + '''
import inspect


def compiled_step(one):
    """The step of an optimizer; rates and counts in float64, as 1 - beta ** count is computed in the count's dtype."""
    rates = [torch.tensor(group["lr"], dtype=torch.float64) for group in one.param_groups]
    compiled = torch.compile(inspect.unwrap(type(one).step), dynamic=False)  # what is around it breaks graphs

    def step():
        for state in one.state.values():
            if torch.is_tensor(state.get("step")) and state["step"].dtype != torch.float64:
                state["step"].data = state["step"].data.double()
        values = [group["lr"] for group in one.param_groups]
        for group, rate in zip(one.param_groups, rates):
            rate.fill_(group["lr"])
            group["lr"] = rate
        with torch.no_grad():
            compiled(one)
        for group, value in zip(one.param_groups, values):
            group["lr"] = value

    return step
'''
)


def applies(step: "LiveStep") -> str | None:
    """Not for sparse gradients, nor for steps that evaluate the loss themselves."""
    if step.facts.sparse:
        return f"the gradient of {step.facts.sparse[0]} is sparse, which torch.compile does not trace"
    if "LBFGS" in step.facts.optimizers:
        return "LBFGS evaluates the loss in its step and decides in Python how far it goes"
    return unreachable(step)


REWRITE = Rewrite(
    summary="torch.compile makes one graph of the optimizer's step",
    group="compile",
    patch=PATCH,
    applies=applies,
    excludes=("capturable", "compiled_autograd", "fused", "whole_graph"),
    effort="standard",
    compiles=True,
)
