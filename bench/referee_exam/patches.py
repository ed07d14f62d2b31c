"""Lines that variations share: around each optimizer's step, once for each optimizer, around the loss, around the update."""

from collections.abc import Callable
from textwrap import indent

from torch import nn

from impls.recipe.facts import rows_of
from impls.recipe.live_step import LiveStep
from impls.recipe.optimizer_patch import for_each_optimizer
from impls.recipe.update_patch import gradients_call, without_loss

Applies = Callable[[LiveStep], str | None]

BATCH_NORM = nn.modules.batchnorm._BatchNorm

BEFORE_STEP = """
inner = one.step


def varied(closure=None, one=one, inner=inner):
    def before():
        parameters = [parameter for group in one.param_groups for parameter in group["params"]]
        with torch.no_grad():
{before}

    def after():
        parameters = [parameter for group in one.param_groups for parameter in group["params"]]
        with torch.no_grad():
{after}

    if closure is None:
        before()
        returned = inner()
    else:

        def evaluate():
            value = closure()
            before()
            return value

        returned = inner(evaluate)
    after()
    return returned


one.step = varied
"""

ON_GRADIENTS = """
def change(parameter, one=one):
{lines}


for group in one.param_groups:
    for parameter in group["params"]:
        parameter.register_post_accumulate_grad_hook(change)
"""

UPDATE = """
import torch
from torch.utils import _pytree as pytree


def rows(batch, first, last):
    leaves, form = pytree.tree_flatten(batch)
    return pytree.tree_unflatten([leaf[first:last] for leaf in leaves], form)


def update(model, optimizer, batch):
    optimizer.zero_grad(set_to_none=True)
    count = len(pytree.tree_leaves(batch)[0])
{lines}
{gradients}    optimizer.step()
    return value.detach()
"""

PARTS = """
value = 0.0
cut = count // 3
for first, last in ((0, cut), (cut, count)):
    part = loss(model, rows(batch, first, last)) * {weight}
    part.backward()
    value = value + part
"""

LOSS = """
import torch

loss_before_variation = loss


def loss(model, batch):
{lines}
"""

AROUND = """
import torch

update_before_variation = update


def update(model, optimizer, batch):
{lines}
"""


def each_optimizer(lines: str) -> str:
    """Lines that are run once for each optimizer, called `one`."""
    return for_each_optimizer("variation", lines)


def before_step(lines: str = "pass", after: str = "pass") -> str:
    """Lines that are run before each optimizer's step, when it has its gradients, and after it.

    They know the optimizer as `one`, and all that it trains as `parameters`. With a closure, the former come after it.
    """
    return each_optimizer(
        BEFORE_STEP.format(before=indent(lines.strip(), " " * 12), after=indent(after.strip(), " " * 12))
    )


def on_gradients(lines: str) -> str:
    """Lines that change the gradient of each `parameter` as soon as the backward pass has made it."""
    return each_optimizer(ON_GRADIENTS.format(lines=indent(lines.strip(), " " * 4)))


def default_update(lines: str) -> Callable[[LiveStep], str]:
    """The default update with these lines in place of loss and backward pass; they make `value`, and know `count` rows
    and `rows(batch, first, last)`.
    """
    return lambda step: UPDATE.format(lines=indent(lines.strip(), " " * 4), gradients=gradients_call(step))


def in_parts(weight: str) -> Callable[[LiveStep], str]:
    """The default update with the losses of a third and of two thirds of the batch, each times this weight, added up."""
    return default_update(PARTS.format(weight=weight))


def around_loss(lines: str) -> str:
    """Lines in place of the loss, which they know as `loss_before_variation(model, batch)`."""
    return LOSS.format(lines=indent(lines.strip(), " " * 4))


def around_update(lines: str) -> str:
    """Lines in place of the update, which they know as `update_before_variation(model, optimizer, batch)`."""
    return AROUND.format(lines=indent(lines.strip(), " " * 4))


def with_function(name: str) -> Applies:
    """Only where the file has a function of this name."""
    return lambda step: None if name in step.file.functions else f"the file has no function `{name}`"


def with_optimizers(*names: str) -> Applies:
    """Only where every optimizer is one of these."""

    def applies(step: LiveStep) -> str | None:
        other = {type(one).__name__ for one in step.optimizers.values()} - set(names)
        return f"its optimizer is {', '.join(sorted(other))}" if other else None

    return applies


def with_option(option: str) -> Applies:
    """Only where an optimizer has this option, and it is not zero."""

    def applies(step: LiveStep) -> str | None:
        groups = [group for one in step.optimizers.values() for group in one.param_groups]
        return None if any(group.get(option) for group in groups) else f"no optimizer has {option}"

    return applies


def keeping(*names: str) -> Applies:
    """Only where an optimizer keeps one of these for each parameter."""

    def applies(step: LiveStep) -> str | None:
        kept = {name for one in step.optimizers.values() for state in one.state.values() for name in state}
        return None if kept & {*names} else f"no optimizer keeps {' or '.join(names)}"

    return applies


def with_module(kind: type) -> Applies:
    """Only where the model has a module of this kind."""

    def applies(step: LiveStep) -> str | None:
        parts = [part for module in step.modules.values() for part in module.modules()]
        return None if any(isinstance(part, kind) for part in parts) else f"the model has no {kind.__name__}"

    return applies


def dense(step: LiveStep) -> str | None:
    """Only where gradients are dense."""
    return f"the gradient of {step.facts.sparse[0]} is sparse" if step.facts.sparse else None


def all_of(*conditions: Applies) -> Applies:
    """The first of these reasons."""
    return lambda step: next((reason for condition in conditions if (reason := condition(step))), None)


def with_rows(step: LiveStep) -> str | None:
    """Only where a batch is a number of examples, to which nothing else belongs: no state, no random numbers."""
    if not rows_of(step.batches[0]):
        return "its batches have no rows"
    if step.facts.replaced or step.facts.draws:
        return "a state or random numbers belong to each row of a batch"
    return None


def uncoupled(step: LiveStep) -> str | None:
    """Only where the loss is the mean of the losses of the rows, so that parts of a batch can be computed one by one."""
    coupled = with_module(BATCH_NORM)(step) is None
    return with_rows(step) or ("BatchNorm couples the rows of a batch" if coupled else None)


divisible = all_of(without_loss, uncoupled)  # the default update, of a batch that can be computed in parts
