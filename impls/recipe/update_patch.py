"""What patches of the default update share: a call that some files need, and why there is none. Loads no torch."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep


def gradients_call(step: "LiveStep") -> str:
    """The line that clips gradients and the like, where the file has `gradients`."""
    return "    gradients(model)\n" if hasattr(step.module, "gradients") else ""


def without_loss(step: "LiveStep") -> str | None:
    """Why there is no default update that another one could take the place of, in a sentence."""
    if step.facts.own_update or step.recipe.way:
        return "the file writes its own update: split it up into `loss`, `gradients` and `schedule`"
    return None
