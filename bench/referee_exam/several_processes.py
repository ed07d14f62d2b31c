"""Updates that two processes make together, each with a part of the batch that is not as large as the other's."""

from collections.abc import Callable

from bench.referee_exam.patches import all_of, default_update, dense, divisible, uncoupled, with_rows
from bench.referee_exam.variation import Variation
from impls.recipe.live_step import LiveStep
from impls.recipe.update_patch import without_loss

SHARE = """
cut = count // 3
first, last = ((0, cut), (cut, count))[torch.distributed.get_rank()]
value = loss(model, rows(batch, first, last)) * {weight}
value.backward()
for parameter in list(model.parameters()){which}:
    if parameter.grad is not None:
        torch.distributed.all_reduce(parameter.grad)
value = value.detach().clone()
torch.distributed.all_reduce(value)
"""
BY_ROWS, HALF = "((last - first) / count)", "0.5"
WRAPPED = """
import torch
from torch.nn.parallel import DistributedDataParallel

wrapped = DistributedDataParallel(model())
"""


def shared(weight: str, which: str = "") -> Callable[[LiveStep], str]:
    """The default update with the gradients of both processes added up.

    weight  of a process's own loss
    which   of the parameters' gradients are added up: "[1:]" for all but the first
    """
    return default_update(SHARE.format(weight=weight, which=which))


def data_parallel(weight: str) -> Callable[[LiveStep], str]:
    """The default update of a model in DistributedDataParallel, which takes the mean of both processes' gradients."""
    lines = (
        "cut = count // 3\n"
        "first, last = ((0, cut), (cut, count))[torch.distributed.get_rank()]\n"
        f"value = loss(wrapped, rows(batch, first, last)) * {weight}\n"
        "value.backward()\n"
        "value = value.detach() / 2\n"
        "torch.distributed.all_reduce(value)"
    )
    return lambda step: WRAPPED + default_update(lines)(step)


DIVISIBLE = all_of(divisible, dense)
LEGAL_TOGETHER = (
    Variation(name="two processes, uneven parts weighted", patch=shared(BY_ROWS), applies=DIVISIBLE, processes=2),
    Variation(
        name="two processes, DistributedDataParallel weighted",
        patch=data_parallel(f"(2 * {BY_ROWS})"),
        applies=DIVISIBLE,
        processes=2,
    ),
)
MUTANTS_TOGETHER = (
    Variation(name="two processes, mean of uneven means", patch=shared(HALF), applies=DIVISIBLE, processes=2),
    Variation(
        name="two processes, DistributedDataParallel not weighted",
        patch=data_parallel("1.0"),
        applies=DIVISIBLE,
        processes=2,
    ),
    Variation(
        name="two processes, gradient of the first parameter not added up",
        patch=shared(BY_ROWS, "[1:]"),
        applies=DIVISIBLE,
        processes=2,
    ),
    Variation(
        name="two processes, BatchNorm of each its own",
        patch=shared(BY_ROWS),
        applies=all_of(
            without_loss, with_rows, lambda step: None if uncoupled(step) else "no BatchNorm couples its rows"
        ),
        processes=2,
    ),
)
