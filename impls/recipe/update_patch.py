"""What patches of the default update share: a call that some files need, and why there is none. Loads no torch."""

from typing import TYPE_CHECKING

from impls.recipe.step_file import WAY

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep


DEFAULT_UPDATE = """
def update(model, optimizer, batch):
    optimizer.zero_grad(set_to_none=True)
    value = loss(model, batch)
    value.backward()
{gradients}    optimizer.step()
    return value.detach()
"""


def default_update(step: "LiveStep") -> str:
    """The update of a file that writes none."""
    return DEFAULT_UPDATE.format(gradients=gradients_call(step))


def wrapped_update(step: "LiveStep") -> str:
    """The lines that a patch begins with when it wraps `update`, so that there is one wherever they are pasted."""
    if "\ndef update(" in step.patch:
        return ""
    if step.recipe.way:
        return f"update = {WAY}{step.recipe.way}\n"
    return "" if "update" in step.file.functions else default_update(step)


def gradients_call(step: "LiveStep") -> str:
    """The line that clips gradients and the like, where the file has `gradients`."""
    return "    gradients(model)\n" if hasattr(step.module, "gradients") else ""


def without_loss(step: "LiveStep") -> str | None:
    """Why there is no default update that another one could take the place of, in a sentence."""
    if step.facts.own_update or step.recipe.way:
        return "the file writes its own update: split it up into `loss`, `gradients` and `schedule`"
    return None
