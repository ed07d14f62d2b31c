"""What can be wrong with a step file, in a sentence with file, line and cure. Loads torch."""

import contextlib
import inspect
import re
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from impls.contract.catalogue import PACKAGES
from impls.recipe.facts import Facts
from impls.recipe.step_file import StepFault, StepFile

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

# What to do about an error that the file's code raised, by what its text says.
CURES = (
    (
        r"CUDA enabled|NVIDIA driver|No CUDA GPUs|CUDA driver|no CUDA-capable",
        "There is no GPU here: leave the device to looprace, which moves model and batches (no .cuda(), no device='cuda')",
    ),
    (
        r"on the same device",
        (
            "A tensor was made on another device than the batch: give device=... of a tensor of the batch. Or it lies in an "
            "object that looprace cannot move: a batch is a tensor, or a tuple, list or dict of tensors"
        ),
    ),
    (
        r"relative import|resolve package",
        "Write the import in full, from the root of the repository: from package.module import name",
    ),
    (
        r"FileNotFoundError",
        "Paths are looked for from the folder that looprace is started in: write Path(__file__).parent / ... instead",
    ),
    (r"empty parameter list", "The model has no parameters: does model() return the module that is to be trained?"),
    (r"SystemExit", "Put what is not to run on import below `if __name__ == '__main__':`"),
)


class StepTooLarge(StepFault, MemoryError):
    """A step needs more memory than there is."""


@contextlib.contextmanager
def translated(file: StepFile, doing: str, explain: Callable[[], str | None] = lambda: None) -> Iterator[None]:
    """Turns what the file's code raises into a StepFault of one sentence that names the line and a cure.

    doing    what fails: "fails in model"
    explain  finds out, after an error, what else may have caused it
    """
    try:
        yield
    except (StepFault, torch.OutOfMemoryError):
        raise
    except (Exception, SystemExit) as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if Path(frame.filename) == file.path]
        where = f"{file.name}:{lines[-1]}" if lines else file.name
        text = " ".join(str(error).split())
        if isinstance(error, MemoryError) or "can't allocate memory" in text:
            wanted = re.search(r"allocate (\d+) bytes", text)
            size = f" ({int(wanted[1]) / 1e9:,.0f} GB in one piece)" if wanted else ""
            raise StepTooLarge(
                f"{where} {doing}: it needs more memory than there is{size}. Make the step smaller, e.g. with --set."
            ) from error
        if (reason := explain()) is not None:
            raise StepFault(reason) from error
        raise StepFault(f"{where} {doing}: {type(error).__name__}: {text or 'no message'}. {_cure(error)}") from error


def _cure(error: BaseException) -> str:
    """What to do about an error, where that is known; else where to look."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        package = error.name.partition(".")[0]
        return (
            f"Install it (pip install {PACKAGES.get(package, package)}); "
            "a module of your own is found beside the file, in the root of its repository, or in src there."
        )
    cures = [cure for pattern, cure in CURES if re.search(pattern, f"{type(error).__name__}: {error}")]
    return f"{cures[0]}." if cures else "This error is the file's own: run it there first."


def check_model(file: StepFile, model: object) -> None:
    """Raises StepFault for what cannot be a model."""
    where = file.where("model")
    if model is None:
        raise StepFault(f"{where}: model() returns nothing: end it with `return` and the nn.Module.")
    if inspect.isclass(model):
        raise StepFault(
            f"{where}: model() returns the class {model.__name__}: return an object of it, {model.__name__}()."
        )


def check_optimizer(step: "LiveStep") -> None:
    """Raises StepFault for what cannot be the optimizer of a step, and for one that trains something else."""
    where, optimizer = step.file.where("optimizer"), step.optimizer
    if "update" not in step.file.functions and not all(hasattr(optimizer, name) for name in ("step", "zero_grad")):
        raise StepFault(
            f"{where}: optimizer(model) returns {_kind(optimizer)}: return one optimizer of torch; a schedule goes into "
            "`schedule(optimizer, number)`, several optimizers need an `update(model, optimizer, batch)`."
        )
    own = {id(tensor) for name, tensor in step.tensors().items() if name.startswith("parameter")}
    given = [tensor for one in step.optimizers.values() for group in one.param_groups for tensor in group["params"]]
    if given and own and not own & {id(tensor) for tensor in given}:
        raise StepFault(
            f"{where}: optimizer(model) has other parameters than the model: "
            "give it model.parameters() of the model that it is called with."
        )
    if not own and not given:
        raise StepFault(
            f"{step.file.where('model')}: model() returns {_kind(step.model)} without a parameter, so there is nothing "
            "to train: return the nn.Module."
        )


def check_batches(file: StepFile, source: object) -> None:
    """Raises StepFault where `batches` returned one batch instead of all of them, or nothing that can be iterated."""
    if isinstance(source, Tensor | np.ndarray | tuple | dict) or not hasattr(source, "__iter__"):
        raise StepFault(
            f"{file.where('batches')}: batches(seed) returns {_kind(source)}: it must yield one batch after the other, "
            "e.g. `while True: yield inputs, targets`."
        )


def wrong_loss(step: "LiveStep") -> str | None:
    """What is wrong with the value of the file's loss, after an update has failed; None where it is a loss."""
    if "update" in step.file.functions:
        return None
    try:
        value = step.module.loss(step.model, step.batches[0])
    except Exception:  # noqa: BLE001 - the update failed with the same error, which tells more
        return None
    where = step.file.where("loss")
    if not isinstance(value, Tensor):
        cure = "without .item()" if isinstance(value, float) else "alone"
        return f"{where}: loss(model, batch) returns {_kind(value)}: return the tensor of the loss, {cure}."
    if value.numel() != 1:
        return f"{where}: loss(model, batch) returns {_kind(value)}: return one number, e.g. its .mean()."
    if not value.requires_grad:
        return (
            f"{where}: the loss depends on no parameter: is it computed from the model's output, "
            "and not under torch.no_grad() or after .detach()?"
        )
    return None


def trained(step: "LiveStep") -> list[Tensor]:
    """The parameters of a step; of a model that is no module, its tensors."""
    return step.parameters or [tensor for name, tensor in step.tensors().items() if name.startswith("parameter")]


def check_learns(step: "LiveStep", facts: Facts, before: Sequence[Tensor], losses: Sequence[Any]) -> None:
    """Raises StepFault where a few plain updates gave no finite number, or changed nothing.

    before  the parameters as they were, in the order of `trained`
    losses  what the updates returned
    """
    file, own_update = step.file, "update" in step.file.functions
    where = file.where("update" if own_update else "loss")
    for number, value in enumerate(losses, 1):
        if not own_update and not torch.isfinite(value):
            raise StepFault(
                f"{where}: the loss is {float(value)} in update {number}, and nothing can be judged after it: lower the "
                "learning rate, or look for a logarithm or a division by 0."
            )
    after = trained(step)
    if not all(bool(torch.isfinite(tensor).all()) for tensor in after if tensor.is_floating_point()):
        raise StepFault(f"{where}: parameters are not finite after {len(losses)} updates: lower the learning rate.")
    no_gradient = set(facts.unused) | set(facts.zero_gradients)
    if not own_update and len(no_gradient) == len(step.parameters):
        raise StepFault(
            f"{where}: every gradient is zero, so the step learns nothing, and right could not be told from wrong: does the "
            "loss depend on the parameters, or are all its units saturated?"
        )
    if all(map(torch.equal, before, after)):
        rates = [group["lr"] for one in step.optimizers.values() for group in one.param_groups if "lr" in group]
        if rates and not any(map(bool, rates)):
            raise StepFault(
                f"{file.where('optimizer')}: the learning rate is 0, so the step learns nothing: give it one."
            )
        if not any(
            one.grad is not None and (one.grad.is_sparse or one.grad.any()) for one in step.parameters
        ):  # else it adds gradients up
            raise StepFault(
                f"{where}: {len(losses)} updates leave every parameter as it was, so right could not be told from wrong: are "
                "gradients set to zero between backward() and optimizer.step()?"
            )


def _kind(value: object) -> str:
    """What a value is, in words: "a tensor of shape (64, 10)", "None", "a tuple"."""
    if value is None:
        return "None"
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, int | float):
        return f"a Python number ({type(value).__name__})"
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
