"""What patches that compile or capture share: options of the compiler, and what a graph would freeze. Loads no torch."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

PYTHON = ("Adafactor", "LBFGS", "Muon")  # of torch 2.13; all others can be traced


def compile_options(step: "LiveStep") -> str:
    """Arguments of torch.compile: sizes never change, and what is drawn at random is what the plain step draws."""
    return "dynamic=False" + (', options={"fallback_random": True}' if step.facts.draws else "")


def nets(step: "LiveStep") -> str | None:
    """An expression for all modules with a `forward` in what `model` returned, called `made`; None where it has none."""
    from torch import nn

    made = step.model
    if isinstance(made, nn.Module) and not isinstance(made, nn.ModuleDict | nn.ModuleList):
        return "[made]"
    parts = list(made.values()) if hasattr(made, "values") else made if hasattr(made, "__iter__") else [None]
    if not all(isinstance(part, nn.Module) for part in parts):
        return None
    return "made.values()" if hasattr(made, "values") else "made"


def frozen(step: "LiveStep") -> str | None:
    """Why a graph that is captured once would go wrong later, in a sentence with a cure; None when it would not."""
    import torch
    from torch.utils import _pytree as pytree

    facts = step.facts
    if facts.moving:
        names = ", ".join(facts.moving[:3])
        return (
            f"Python numbers move in every update and would be frozen into the graph: {names}; write them in `schedule`"
        )
    if facts.sparse:
        return f"the gradient of {facts.sparse[0]} is sparse, which a graph cannot hold"
    leaves = [leaf for batch in step.batches for leaf in pytree.tree_leaves(batch)]
    if not all(isinstance(leaf, torch.Tensor) for leaf in leaves):
        return "its batches hold more than tensors, which would be frozen into the graph: yield tensors"
    if not all(tensor.layout == torch.strided for tensor in [*leaves, *step.tensors().values()]):
        return "it has sparse tensors, which a graph cannot hold"
    for name in facts.optimizers:
        if name in PYTHON:
            return f"{name} computes with Python numbers in its step, which a graph cannot do"
    return None
