"""What patches of updates and models share: the lines that files differ in, and why there are none. Loads no torch."""

from typing import TYPE_CHECKING

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

GRADIENTS_CALL = "    gradients(model)\n"


def default_update(step: "LiveStep") -> str:
    """The update of a file that writes none."""
    return DEFAULT_UPDATE.format(gradients=gradients_call(step))


def wrapped_update(step: "LiveStep") -> str:
    """The lines that a patch begins with when it wraps `update`, so that there is one wherever they are pasted."""
    written = "update" in step.file.functions or step.recipe.way or "\ndef update(" in step.patch
    return "" if written else default_update(step)


def gradients_call(step: "LiveStep") -> str:
    """The line that clips gradients and the like, where the file has `gradients`."""
    return GRADIENTS_CALL if hasattr(step.module, "gradients") else ""


def without_loss(step: "LiveStep") -> str | None:
    """Why there is no default update that another one could take the place of, in a sentence."""
    if step.facts.own_update or step.recipe.way:
        return "the file writes its own update: split it up into `loss`, `gradients` and `schedule`"
    return None


def without_module(step: "LiveStep") -> str | None:
    """Why there is no one module that a patch could change, in a sentence."""
    return None if list(step.modules) == [""] else "it needs one torch.nn.Module: let `model` return one"


def carried(step: "LiveStep") -> str | None:
    """Why each update needs the one before it, in a sentence: the model keeps a tensor that is made anew."""
    if step.facts.replaced:
        return f"the model keeps {step.facts.replaced[0].partition(' ')[2]} from one update for the next one"
    return None
