"""Mistakes that people make when they write or speed up an update: each must be told from the plain step."""

from textwrap import indent

from torch.utils import _pytree as pytree

from bench.referee_exam.patches import (
    BATCH_NORM,
    all_of,
    around_loss,
    around_update,
    before_step,
    default_update,
    dense,
    divisible,
    each_optimizer,
    in_parts,
    keeping,
    on_gradients,
    with_function,
    with_module,
    with_optimizers,
    with_option,
    with_rows,
)
from bench.referee_exam.update_by_hand import ADAM, adam_by_hand
from bench.referee_exam.variation import Variation
from impls.recipe.live_step import LiveStep
from impls.recipe.update_patch import without_loss

PLAIN_LOSS = """
value = loss(model, batch)
value.backward()
"""


def with_state(step: LiveStep) -> str | None:
    """Only where the model keeps a tensor from one update for the next."""
    return None if step.facts.replaced else "the model keeps nothing from one update for the next"


def with_tied_weights(step: LiveStep) -> str | None:
    """Only where a parameter is used in two places."""
    names = [name for module in step.modules.values() for name, _ in module.named_parameters(remove_duplicate=False)]
    return None if len(names) > len(step.parameters) else "no parameter is used in two places"


def several_optimizers(step: LiveStep) -> str | None:
    """Only where there are several optimizers."""
    return None if len(step.optimizers) > 1 else "there is one optimizer"


def moving_buffers(step: LiveStep) -> str | None:
    """Only where computing the loss moves something that is kept."""
    return None if step.facts.moved_buffers or step.facts.replaced else "computing the loss moves nothing that is kept"


def several_batches(step: LiveStep) -> str | None:
    """Only where batches differ."""
    first, last = (pytree.tree_leaves(batch) for batch in (step.batches[0], step.batches[-1]))
    same = all(one is other for one, other in zip(first, last, strict=True))
    return "all its batches are equal" if same else None


def without_decay(lines: str) -> str:
    """These lines for each `group` before the optimizer's step, which then knows of no weight decay."""
    before = f"for group in one.param_groups:\n    group['kept'] = group['weight_decay']\n{indent(lines, ' ' * 4)}\n"
    return before_step(
        before + "    group['weight_decay'] = 0.0",
        "for group in one.param_groups:\n    group['weight_decay'] = group.pop('kept')",
    )


def other_rate(factor: str) -> str:
    """The learning rate of each optimizer's step is multiplied by a factor."""
    change = "for group in one.param_groups:\n    group['lr'] = group['lr'] {sign} {factor}"
    return before_step(change.format(sign="*", factor=factor), change.format(sign="/", factor=factor))


def sparse(step: LiveStep) -> str | None:
    """Only where gradients are sparse."""
    return None if step.facts.sparse else "its gradients are dense"


GRADIENTS = (
    Variation(name="zero_grad left out", patch=each_optimizer("one.zero_grad = lambda *_, **__: None")),
    Variation(name="gradients x 1.01", patch=on_gradients("parameter.grad.mul_(1.01)")),
    Variation(name="gradients x 1.00003", patch=on_gradients("parameter.grad.mul_(1.00003)")),
    Variation(
        name="gradient of the last parameter is zero",
        patch=on_gradients('if parameter is one.param_groups[-1]["params"][-1]:\n    parameter.grad.zero_()'),
    ),
    Variation(
        name="gradient of the last parameter x 0.999",
        patch=on_gradients('if parameter is one.param_groups[-1]["params"][-1]:\n    parameter.grad.mul_(0.999)'),
    ),
    Variation(
        name="first parameter gets no gradient",
        patch=before_step("parameters[0].grad = None"),
        applies=dense,
    ),
    Variation(
        name="one number of one gradient x 1.001",
        patch=on_gradients(
            'if parameter is one.param_groups[0]["params"][0]:\n'
            "    flat = parameter.grad.view(-1)\n"
            "    flat[flat.abs().argmax()] *= 1.001"
        ),
        applies=dense,
    ),
    Variation(
        name="gradients rounded to bfloat16",
        patch=on_gradients("parameter.grad.copy_(parameter.grad.bfloat16())"),
        applies=dense,
    ),
    Variation(
        name="gradients of doubled indices not added up",
        patch=on_gradients(
            "gradient = parameter.grad\n"
            "last = {int(row): place for place, row in enumerate(gradient._indices()[0])}\n"
            "kept = torch.tensor(sorted(last.values()))\n"
            "parameter.grad = torch.sparse_coo_tensor(\n"
            "    gradient._indices()[:, kept], gradient._values()[kept], gradient.shape\n"
            ")"
        ),
        applies=sparse,
    ),
    Variation(name="clipping left out", patch="def gradients(model):\n    pass\n", applies=with_function("gradients")),
    Variation(
        name="each gradient clipped by itself",
        patch="""
import torch


def gradients(model):
    for parameter in model.parameters():
        torch.nn.utils.clip_grad_norm_([parameter], 0.25)
""",
        applies=with_function("gradients"),
    ),
)
LOSSES = (
    Variation(
        name="loss of two parts added up, not averaged",
        patch=in_parts("1"),
        applies=divisible,
    ),
    Variation(
        name="mean of the means of uneven parts",
        patch=in_parts("0.5"),
        applies=divisible,
    ),
    Variation(
        name="last row of the batch left out",
        patch=default_update(PLAIN_LOSS.replace("batch)", "rows(batch, 0, count - 1))")),
        applies=all_of(without_loss, with_rows),
    ),
    Variation(
        name="BatchNorm sees a third of the batch",
        patch=in_parts("(last - first) / count"),
        applies=all_of(without_loss, with_rows, with_module(BATCH_NORM)),
    ),
    Variation(
        name="loss x 1.001 is returned",
        patch=around_update(
            "returned = update_before_variation(model, optimizer, batch)\n"
            "return torch.utils._pytree.tree_map(lambda value: value * 1.001, returned)"
        ),
    ),
    Variation(
        name="loss computed twice",
        patch=around_loss(
            "with torch.no_grad():\n    loss_before_variation(model, batch)\nreturn loss_before_variation(model, batch)"
        ),
        applies=all_of(with_function("loss"), moving_buffers),
    ),
    Variation(
        name="tied weights detached in one place",
        patch=around_loss(
            "weight = model.head.weight.detach()\n"
            "def head(module, inputs, output):\n"
            "    return torch.nn.functional.linear(inputs[0], weight)\n"
            "handle = model.head.register_forward_hook(head)\n"
            "try:\n"
            "    return loss_before_variation(model, batch)\n"
            "finally:\n"
            "    handle.remove()"
        ),
        applies=with_tied_weights,
    ),
)
OPTIMIZERS = (
    Variation(
        name="learning rate x 1.01",
        patch=other_rate("1.01"),
    ),
    Variation(
        name="learning rate x 1.00003",
        patch=other_rate("1.00003"),
    ),
    Variation(
        name="learning rate of the start is kept",
        patch="schedule_of_the_step = schedule\n\n\ndef schedule(optimizer, number):\n    schedule_of_the_step(optimizer, 0)\n",
        applies=with_function("schedule"),
    ),
    Variation(
        name="weight decay lost",
        patch=each_optimizer('for group in one.param_groups:\n    group["weight_decay"] = 0.0'),
        applies=with_option("weight_decay"),
    ),
    Variation(
        name="weight decay in the gradient instead of beside it",
        patch=without_decay(
            "for parameter in group['params']:\n    parameter.grad = parameter.grad + group['weight_decay'] * parameter"
        ),
        applies=all_of(with_optimizers("AdamW"), with_option("weight_decay")),
    ),
    Variation(
        name="weight decay beside the gradient instead of in it",
        patch=without_decay(
            "for parameter in group['params']:\n    parameter.mul_(1 - group['lr'] * group['weight_decay'])"
        ),
        applies=all_of(with_optimizers("Adam"), with_option("weight_decay")),
    ),
    Variation(
        name="momentum of Nesterov",
        patch=each_optimizer('for group in one.param_groups:\n    group["nesterov"] = True'),
        applies=with_option("momentum"),
    ),
    Variation(
        name="momentum dampened by 0.1",
        patch=each_optimizer('for group in one.param_groups:\n    group["dampening"] = 0.1'),
        applies=with_option("momentum"),
    ),
    Variation(
        name="momentum begins anew in each update",
        patch=before_step(
            "for state in one.state.values():\n"
            '    for name in ("exp_avg", "momentum_buffer"):\n'
            "        if state.get(name) is not None:\n"
            "            state[name].zero_()"
        ),
        applies=keeping("exp_avg", "momentum_buffer"),
    ),
    Variation(
        name="second moment decays by 0.99",
        patch=each_optimizer('for group in one.param_groups:\n    group["betas"] = (group["betas"][0], 0.99)'),
        applies=with_option("betas"),
    ),
    Variation(
        name="epsilon under the root",
        patch=adam_by_hand("(second / (1 - beta2**count) + group['eps']).sqrt()"),
        applies=ADAM,
    ),
    Variation(name="no correction of the start", patch=adam_by_hand("second.sqrt() + group['eps']"), applies=ADAM),
    Variation(
        name="count of updates is one behind",
        patch=before_step(
            "for state in one.state.values():\n    state['step'] -= 1",
            "for state in one.state.values():\n    state['step'] += 1",
        ),
        applies=keeping("step"),
    ),
    Variation(
        name="weights kept in float16",
        patch=before_step(after="for parameter in parameters:\n    parameter.copy_(parameter.half())"),
    ),
    Variation(
        name="second optimizer never steps",
        patch="""
optimizer_before_variation = optimizer


def optimizer(model, **parameters):
    made = optimizer_before_variation(model, **parameters)
    list(made.values())[-1].step = lambda *_: None
    return made
""",
        applies=several_optimizers,
    ),
)
UPDATES = (
    Variation(
        name="batch of the first update in all",
        patch="kept = []\n"
        + around_update("kept.append(batch)\nreturn update_before_variation(model, optimizer, kept[0])"),
        applies=several_batches,
    ),
    Variation(
        name="every second update left out",
        patch="returned = []\n"
        + around_update(
            "if returned:\n"
            "    return returned.pop()\n"
            "returned.append(update_before_variation(model, optimizer, batch))\n"
            "return returned[0]"
        ),
    ),
    Variation(
        name="each update made twice",
        patch=around_update(
            "returned = update_before_variation(model, optimizer, batch)\n"
            "update_before_variation(model, optimizer, batch)\n"
            "return returned"
        ),
    ),
    Variation(
        name="normalisation in evaluation mode",
        patch=around_update(
            "model.eval()\ntry:\n    return update_before_variation(model, optimizer, batch)\nfinally:\n    model.train()"
        ),
        applies=with_module(BATCH_NORM),
    ),
    Variation(
        name="momentum of BatchNorm is 0.11",
        patch="""
model_before_variation = model


def model(**parameters):
    made = model_before_variation(**parameters)
    for part in made.modules():
        if hasattr(part, "running_mean"):
            part.momentum = 0.11
    return made
""",
        applies=with_module(BATCH_NORM),
    ),
    Variation(
        name="running variance divided by n instead of n - 1",
        patch=around_update(
            "norms = [part for part in model.modules() if getattr(part, 'running_var', None) is not None]\n"
            "before = [norm.running_var.clone() for norm in norms]\n"
            "counts = []\n"
            "def count(norm, inputs, output):\n"
            "    counts.append(inputs[0].numel() // inputs[0].shape[1])\n"
            "handles = [norm.register_forward_hook(count) for norm in norms]\n"
            "returned = update_before_variation(model, optimizer, batch)\n"
            "for norm, old, handle, n in zip(norms, before, handles, counts):\n"
            "    handle.remove()\n"
            "    kept = (1 - norm.momentum) * old\n"
            "    norm.running_var.copy_(kept + (norm.running_var - kept) * (n - 1) / n)\n"
            "return returned"
        ),
        applies=with_module(BATCH_NORM),
    ),
    Variation(
        name="state of the update before is forgotten",
        patch=around_update("model.state = None\nreturn update_before_variation(model, optimizer, batch)"),
        applies=with_state,
    ),
)
MUTANTS: tuple[Variation, ...] = (*GRADIENTS, *LOSSES, *OPTIMIZERS, *UPDATES)
