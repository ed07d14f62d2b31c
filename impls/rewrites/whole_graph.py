"""The whole update as one graph: forward pass, backward pass and optimizer, traced once and compiled together."""

from typing import TYPE_CHECKING

from impls.recipe.compile_patch import frozen
from impls.recipe.optimizer_patch import unreachable
from impls.recipe.rewrite import Rewrite
from impls.rewrites.whole_graph_patch import patch

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep


def applies(step: "LiveStep") -> str | None:
    """Only where everything that an update changes is a tensor, or can be one."""
    from torch import nn

    if reason := frozen(step) or (unreachable(step) if step.optimizers else None):
        return reason
    if step.facts.replaced and not isinstance(step.model, nn.Module):
        return f"an update replaces {step.facts.replaced[0]} instead of writing into it, outside of a torch.nn.Module"
    return None


REWRITE = Rewrite(
    summary="forward pass, backward pass and optimizer in one compiled graph, without anything of Python in between",
    group="compile",
    patch=patch,
    applies=applies,
    excludes=("capturable", "for_loop", "foreach", "fused"),
    compiles=True,
    whole=True,
)
