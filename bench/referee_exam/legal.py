"""Other ways to compute the same update: another order of operations, another kernel. None may be called different."""

from bench.referee_exam.patches import (
    around_loss,
    around_update,
    divisible,
    in_parts,
    with_function,
    with_rows,
)
from bench.referee_exam.update_by_hand import ADAM, SGD, adam_by_hand, sgd_by_hand
from bench.referee_exam.variation import Variation
from impls.recipe.live_step import LiveStep

REWRITES = (
    "foreach",
    "for_loop",
    "fused",
    "zeroed_gradients",
    "autograd_grad",
    "functional_gradients",
    "channels_last",
)
COMPILED = ("compile_loss", "whole_graph")


def moves_no_buffer(step: LiveStep) -> str | None:
    """Only where computing the loss twice, or in parts, moves no buffer otherwise: both are told as different there."""
    return "BatchNorm moves its buffers in each forward pass" if step.facts.moved_buffers else None


def computes_in_float64(step: LiveStep) -> str | None:
    """Only where the model returns one tensor, which the loss can read in float64."""
    from impls.recipe.dry_run import failure

    return with_function("loss")(step) or failure(step, IN_FLOAT64)


IN_FLOAT64 = around_loss(
    "forward = model.forward\n"
    "model.forward = lambda *arguments: forward(*arguments).double()\n"
    "try:\n"
    "    return loss_before_variation(model, batch)\n"
    "finally:\n"
    "    del model.forward"
)
LEGAL: tuple[Variation, ...] = (
    *(Variation(name=name, recipe=name) for name in REWRITES),
    *(Variation(name=name, recipe=name, applies=moves_no_buffer) for name in ("checkpointing", "accumulation")),
    Variation(
        name="rows in another order",
        patch=around_update(
            "leaves, form = torch.utils._pytree.tree_flatten(batch)\n"
            "order = torch.randperm(len(leaves[0]), generator=torch.Generator().manual_seed(3))\n"
            "batch = torch.utils._pytree.tree_unflatten([leaf[order] for leaf in leaves], form)\n"
            "return update_before_variation(model, optimizer, batch)"
        ),
        applies=with_rows,
    ),
    Variation(
        name="uneven parts, weighted by their rows",
        patch=in_parts("(last - first) / count"),
        applies=divisible,
    ),
    Variation(
        name="two threads",
        patch=around_update(
            "threads = torch.get_num_threads()\n"
            "torch.set_num_threads(2)\n"
            "try:\n"
            "    return update_before_variation(model, optimizer, batch)\n"
            "finally:\n"
            "    torch.set_num_threads(threads)"
        ),
    ),
    Variation(
        name="without oneDNN",
        patch=around_update(
            "with torch.backends.mkldnn.flags(enabled=False, allow_tf32=None):\n"
            "    return update_before_variation(model, optimizer, batch)"
        ),
    ),
    Variation(
        name="attention by its formula",
        patch=around_update(
            "from torch.nn.attention import SDPBackend, sdpa_kernel\n"
            "with sdpa_kernel(SDPBackend.MATH):\n"
            "    return update_before_variation(model, optimizer, batch)"
        ),
    ),
    Variation(name="loss added up in float64", patch=IN_FLOAT64, applies=computes_in_float64),
    Variation(name="Adam by hand", patch=adam_by_hand(), applies=ADAM),
    Variation(name="gradient descent by hand", patch=sgd_by_hand(), applies=SGD),
)
LEGAL_COMPILED: tuple[Variation, ...] = tuple(Variation(name=name, recipe=name) for name in COMPILED)
