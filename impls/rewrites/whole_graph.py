"""The whole update as one graph: forward pass, backward pass and optimizer, traced once and compiled together."""

from typing import TYPE_CHECKING

from impls.recipe.rewrite import Rewrite
from impls.rewrites.whole_graph_patch import patch

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

READ_IN_PYTHON = {"LBFGS": "its line search decides in Python", "Adafactor": "its step reads numbers in Python"}


def applies(step: "LiveStep") -> str | None:
    """Only where everything that an update changes is a tensor, which it writes in place."""
    from torch import Tensor, nn
    from torch.utils import _pytree as pytree

    facts = step.facts
    if facts.sparse:
        return f"the gradients of {', '.join(facts.sparse)} are sparse, which a graph cannot hold"
    if any(tensor.layout.__str__() != "torch.strided" for tensor in step.tensors().values()):
        return "the step keeps sparse tensors, which a graph cannot hold"
    if any(not isinstance(leaf, Tensor) for batch in step.batches for leaf in pytree.tree_leaves(batch)):
        return "its batches hold other things than tensors, which would be frozen into the graph"
    for name in facts.optimizers:
        if name in READ_IN_PYTHON:
            return f"{name} cannot be traced: {READ_IN_PYTHON[name]}"
    if facts.moving:
        return (
            "Python numbers move in every update and would be frozen into the graph: "
            f"{', '.join(facts.moving[:3])}; write them in `schedule`"
        )
    if facts.replaced and not isinstance(step.model, nn.Module):
        return f"an update replaces tensors instead of writing into them: {', '.join(facts.replaced[:3])}"
    return None


REWRITE = Rewrite(
    summary="forward pass, backward pass and optimizer in one compiled graph, without anything of Python in between",
    group="compile",
    patch=patch,
    applies=applies,
    excludes=(
        "capturable",
        "compile_forward",
        "compile_gradients",
        "compile_loss",
        "compile_regions",
        "compiled_autograd",
        "compiled_optimizer",
        "for_loop",
        "foreach",
        "fused",
        "cuda_graph",
        "graphed_callables",
        "reduce_overhead",
    ),
    compiles=True,
    whole=True,
)
