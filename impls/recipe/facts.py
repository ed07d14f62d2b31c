"""What one plain update of a live step does, seen by comparing the state before it with the state after it. Loads torch."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.utils import _pytree as pytree

from impls.recipe.state import RandomState, outermost, tensors

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep


_KNOWN = (Tensor, int, float, complex, str, type(None))  # in a batch


@dataclass(frozen=True)
class Facts:
    """What rewrites ask about a step.

    own_update    whether the file writes the whole update itself
    draws         whether an update draws random numbers
    sparse        names of parameters whose gradients are sparse
    moving        names of Python numbers in model, optimizer and its scheduler that an update changes; not those that
                  `schedule` sets
    replaced      names of tensors that an update replaces instead of writing into them
    moved_buffers names of buffers that an update changes
    writes_batch  whether an update changes its batch
    unused        names of parameters that an update leaves without a gradient
    zero_gradients
                  names of parameters whose gradient is zero in every number
    optimizers    class names of the optimizers
    batches_end   whether the file's batches end before enough are drawn: those that there are, are read in turn
    opaque        classes of objects in a batch that are not looked into: what they hold is neither moved nor cast
    batch_shapes  the shapes of a batch's tensors, once for each kind of batch: several where batches change shape
    """

    own_update: bool
    draws: bool
    sparse: tuple[str, ...]
    moving: tuple[str, ...]
    replaced: tuple[str, ...]
    moved_buffers: tuple[str, ...]
    writes_batch: bool
    unused: tuple[str, ...]
    zero_gradients: tuple[str, ...]
    optimizers: tuple[str, ...]
    batches_end: bool
    opaque: tuple[str, ...]
    batch_shapes: tuple[str, ...]


class Watch:
    """Looks at a live step, which then makes one update, and says what that did."""

    def __init__(self, step: "LiveStep", batch: Any) -> None:
        self._step, self._batch = step, batch
        self._tensors = tensors(step.model, step.optimizer)
        self._buffers = {name: t.clone() for name, t in self._tensors.items() if name.startswith("buffer")}
        self._numbers = numbers(step)
        self._versions = _versions(batch)
        self._random = RandomState()
        self._gradients: dict[int, Tensor] = {}  # as they were added up: an update may set them to None at its end
        leaves = [parameter for parameter in step.parameters if parameter.is_leaf]
        self._hooks = [parameter.register_post_accumulate_grad_hook(self._see) for parameter in leaves]

    def _see(self, parameter: Tensor) -> None:
        if parameter.grad is not None:
            self._gradients[id(parameter)] = parameter.grad.detach()

    def facts(self) -> Facts:
        """What has changed since."""
        step = self._step
        after = tensors(step.model, step.optimizer)
        moved = numbers(step)
        known = {id(p): name.removeprefix("parameter ") for name, p in after.items() if name.startswith("parameter")}
        gradients = {
            known.get(id(p), "?"): p.grad if p.grad is not None else self._gradients.get(id(p)) for p in step.parameters
        }
        for hook in self._hooks:
            hook.remove()
        return Facts(
            own_update="update" in step.file.functions,
            draws=self._random != RandomState(),
            sparse=tuple(name for name, gradient in gradients.items() if gradient is not None and gradient.is_sparse),
            moving=tuple(name for name in moved if moved[name] != self._numbers.get(name, moved[name])),
            replaced=tuple(
                name
                for name in self._tensors
                if after.get(name) is not self._tensors[name] and not name.startswith("state")
            ),
            moved_buffers=tuple(
                name.removeprefix("buffer ")
                for name, before in self._buffers.items()
                if name in after and not torch.equal(before, after[name])
            ),
            writes_batch=_versions(self._batch) != self._versions,
            unused=tuple(name for name, gradient in gradients.items() if gradient is None),
            zero_gradients=tuple(
                name for name, gradient in gradients.items() if gradient is not None and _is_zero(gradient)
            ),
            batches_end=step.batches_end,
            opaque=tuple(
                sorted(
                    {type(leaf).__name__ for leaf in pytree.tree_leaves(self._batch) if not isinstance(leaf, _KNOWN)}
                )
            ),
            batch_shapes=tuple(dict.fromkeys(map(_shapes, step.batches))),
            optimizers=tuple(type(one).__name__ for one in outermost(step.optimizer, Optimizer).values()),
        )


def _is_zero(gradient: Tensor) -> bool:
    return not bool((gradient._values() if gradient.is_sparse else gradient).any())


def _shapes(batch: Any) -> str:
    """The shapes of a batch's tensors: "64x64, 64"."""
    leaves = [leaf for leaf in pytree.tree_leaves(batch) if isinstance(leaf, Tensor)]
    return ", ".join("x".join(map(str, leaf.shape)) or "1" for leaf in leaves)


def _versions(batch: Any) -> list[int]:
    """How often each tensor of a batch has been written to."""
    return [leaf._version for leaf in pytree.tree_leaves(batch) if isinstance(leaf, Tensor)]


def rows_of(batch: Any) -> int:
    """The number of rows that all tensors of a batch have; 0 where they have not the same, or hold something else."""
    leaves = pytree.tree_leaves(batch)
    rows = {len(leaf) if isinstance(leaf, Tensor) and leaf.dim() and not leaf.is_sparse else 0 for leaf in leaves}
    return rows.pop() if len(rows) == 1 else 0


def numbers(step: "LiveStep") -> Mapping[str, float]:
    """The Python numbers in modules, optimizers and their groups: a graph that is traced once would freeze them."""
    named: dict[str, float] = {}

    def add(name: str, value: Any) -> None:
        if isinstance(value, int | float):
            named[name] = value
        elif isinstance(value, tuple):  # such as the betas of an optimizer, which some schedules move
            for place, part in enumerate(value):
                add(f"{name}.{place}", part)

    for name, holder, key in _attributes(step):
        add(name, holder[key])
    return named


def set_numbers(step: "LiveStep", values: Mapping[str, float]) -> None:
    """Sets those of a step's Python numbers that have a value here; what is true or false stays."""

    def new(name: str, value: Any) -> Any:
        if isinstance(value, tuple):
            parts = [new(f"{name}.{place}", part) for place, part in enumerate(value)]
            return value if all(a is b for a, b in zip(parts, value, strict=True)) else tuple(parts)
        if isinstance(value, bool) or not isinstance(value, int | float) or values.get(name, value) == value:
            return value
        return int(values[name]) if isinstance(value, int) and values[name].is_integer() else values[name]

    for name, holder, key in _attributes(step):
        holder[key] = new(name, holder[key])


def _attributes(step: "LiveStep") -> Iterator[tuple[str, dict[str, Any], str]]:
    """The attributes of modules and optimizers, and the entries of groups: a name for each, and where it is kept."""

    def of(where: str, holder: dict[str, Any], *hidden: str) -> Iterator[tuple[str, dict[str, Any], str]]:
        for key in list(holder):
            if isinstance(key, str) and not key.startswith("_") and key not in hidden:
                yield f"{where}{key}", holder, key

    for path, module in outermost(step.model, nn.Module).items():
        for name, part in module.named_modules():
            yield from of(".".join(filter(None, ("model", path, name))) + ".", vars(part))
    for path, scheduler in outermost(step.optimizer, LRScheduler).items():
        yield from of(".".join(filter(None, ("optimizer", path))) + ".", vars(scheduler))
    scheduled = ["lr"] if "schedule" in step.file.functions else []
    for path, optimizer in outermost(step.optimizer, Optimizer).items():
        where = ".".join(filter(None, ("optimizer", path))) + "."
        yield from of(where, vars(optimizer))
        for number, group in enumerate(optimizer.param_groups):
            yield from of(f"{where}group {number}.", group, *scheduled)
