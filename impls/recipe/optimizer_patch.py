"""What patches of optimizers share: the lines that reach each optimizer, and when they cannot. Loads no torch."""

from textwrap import indent
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep


def for_each_optimizer(name: str, lines: str) -> str:
    """The patch of a rewrite that does something to each optimizer, called `one` in these lines."""
    return f"""
import torch

optimizer_before_{name} = optimizer


def optimizer(model, **parameters):
    made = optimizer_before_{name}(model, **parameters)
    parts = made.values() if isinstance(made, dict) else made if isinstance(made, list | tuple) else [made]
    for one in parts:
        if isinstance(one, torch.optim.Optimizer):
{indent(lines.strip(), " " * 12)}
    return made
"""


def unreachable(step: "LiveStep") -> str | None:
    """Why these lines do not reach every optimizer of a step, in a sentence."""
    if not step.optimizers:
        return "the step has no optimizer of torch"
    made = step.optimizer
    parts = made.values() if isinstance(made, dict) else made if isinstance(made, list | tuple) else [made]
    if {id(part) for part in parts} >= {id(one) for one in step.optimizers.values()}:
        return None
    return f"its optimizers are inside of {type(made).__name__}: let `optimizer` return one, or a list or dict of them"


def without_flag(step: "LiveStep", flag: str) -> str | None:
    """Why an optimizer cannot be told to work in another way, in a sentence: it has no such flag, or has it set."""
    if reason := unreachable(step):
        return reason
    for one in step.optimizers.values():
        if flag not in one.defaults:
            return f"{type(one).__name__} has no flag {flag}"
        if any(group.get("differentiable") for group in one.param_groups):
            return f"{type(one).__name__} is differentiable, which {flag} is not"
    if all(group[flag] for one in step.optimizers.values() for group in one.param_groups):
        return f"the optimizer has {flag}=True already"
    return None
