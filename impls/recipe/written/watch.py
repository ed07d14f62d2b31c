"""What a written module holds to see that a graph has become stale: its class is copied from here. Loads torch."""

from collections.abc import Iterable, Iterator
from itertools import chain
from operator import getitem, is_
from typing import Any

import torch
from torch.utils import _pytree as pytree


class Watch:
    """Sees what a captured graph does not: tensors that were replaced, numbers, modes and hooks that have changed.

    Raises TypeError for a model that is neither a module nor a list or dict of modules.
    """

    def __init__(self, model: Any, optimizer: Any) -> None:
        parts = pytree.tree_leaves(model)
        strange = [type(part).__name__ for part in parts if not isinstance(part, torch.nn.Module)]
        if strange:
            raise TypeError(f"The model must be a module, or a list or dict of modules: there is {strange[0]} in it.")
        self.modules = [(name, module) for part in parts for name, module in part.named_modules()]
        self.optimizers = [one for one in pytree.tree_leaves(optimizer) if isinstance(one, torch.optim.Optimizer)]
        self.device = next((one.device.type for part in parts for one in part.parameters()), "cpu")
        self.look()

    def look(self) -> None:
        """Keeps what there is now: only what is different from it later has changed."""
        entries = [*self._entries()]
        self.holders: list[dict[str, Any]] = [holder for _, holder, _ in entries]
        self.keys = [key for _, _, key in entries]
        self.values = [*map(getitem, self.holders, self.keys)]
        self.contents = [one.values() if isinstance(one, dict) else one for _, one in self._contents()]
        self.inside = [*chain.from_iterable(self.contents)]
        self.identities = [*map(id, self.inside)]
        self.tensors = [*{id(one): one for one in self.inside if isinstance(one, torch.Tensor)}.values()]
        self.addresses = [*map(torch.Tensor.data_ptr, self.tensors)]
        self.trained = [tensor.requires_grad for tensor in self.tensors]
        self.hooks = torch.utils.hooks.RemovableHandle.next_id  # counts those of all modules, tensors and optimizers
        self.autocast = torch.is_autocast_enabled(self.device)
        self.found = dict(self._described())

    def changed(self) -> list[str]:
        """The names of what has changed since `look`. Most often nothing has, and that takes microseconds to see."""
        try:
            if (
                all(map(is_, map(getitem, self.holders, self.keys), self.values))
                and [*map(id, chain.from_iterable(self.contents))] == self.identities
                and [*map(torch.Tensor.data_ptr, self.tensors)] == self.addresses
                and [tensor.requires_grad for tensor in self.tensors] == self.trained
                and torch.utils.hooks.RemovableHandle.next_id == self.hooks
                and torch.is_autocast_enabled(self.device) == self.autocast
            ):
                return []
        except KeyError:  # an attribute was removed
            pass
        before, now = self.found, dict(self._described())
        names = [name for name in before | now if before.get(name) != now.get(name)]
        if not names:
            self.look()  # equal values in other objects
        return names

    def _entries(self) -> Iterator[tuple[str, dict[str, Any], str]]:
        """What is a constant in a graph: a name, where it is kept, and the key there."""
        for path, module in self.modules:
            for key, value in vars(module).items():
                if not isinstance(value, dict):
                    yield f"`{key}` of {path or 'the model'}", vars(module), key
        for one in self.optimizers:
            for key in ("param_groups", "state"):
                yield f"`{key}` of the optimizer", vars(one), key
            for number, group in enumerate(one.param_groups):
                constants = [key for key in group if key not in ("lr", "params")]
                yield from ((f"`{key}` of the optimizer's parameter group {number}", group, key) for key in constants)

    def _contents(self) -> Iterator[tuple[str, Any]]:
        """What a graph holds by its address, or follows in Python while it is captured: a name, and what holds it."""
        for path, module in self.modules:
            for key in ("_parameters", "_buffers", "_modules"):
                yield f"{key[1:-1]} {{}} of {path or 'the model'}", vars(module)[key]
        for one in self.optimizers:
            yield "parameter group {}", one.param_groups
            for number, group in enumerate(one.param_groups):
                yield f"parameter {{}} of parameter group {number}", group["params"]
            yield "the optimizer's state of parameter {}", one.state
            for number, state in enumerate(one.state.values()):
                yield f"`{{}}` in the optimizer's state of parameter {number}", state

    def _described(self) -> Iterator[tuple[str, Any]]:
        """Names, with values that are equal where nothing has changed."""
        for name, holder, key in self._entries():
            yield name, _kept(holder[key])
        for name, holder in self._contents():
            pairs: Iterable[tuple[Any, Any]] = holder.items() if isinstance(holder, dict) else enumerate(holder)
            for place, (key, value) in enumerate(pairs):
                yield name.format(key if isinstance(key, str) else place), _kept(value)
        for path, module in self.modules:
            hooks = {key: len(value) for key, value in vars(module).items() if "hooks" in key}
            yield f"the hooks of {path or 'the model'}", hooks
        for one in self.optimizers:
            hooks = {key: len(value) for key, value in vars(one).items() if "hooks" in key}
            yield "the hooks of the optimizer", hooks
        yield "autocast", torch.is_autocast_enabled(self.device)


def _kept(value: Any) -> Any:
    """What is compared of a value: numbers and texts themselves, of anything else that it is the same object."""
    if isinstance(value, torch.Tensor):
        return id(value), value.data_ptr(), value.dtype, value.requires_grad
    if isinstance(value, tuple):
        return [_kept(one) for one in value]
    return value if isinstance(value, int | float | str | None) else id(value)
