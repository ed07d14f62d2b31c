"""The state of a step: every tensor in it by name, and a copy that can be put back in place. Loads torch."""

import random
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils import _pytree as pytree

T = TypeVar("T")

_SIMPLE = (type(None), bool, int, float, complex, str, bytes, type, torch.dtype, torch.device, torch.Size)
_CODE = (ModuleType, FunctionType, MethodType, BuiltinFunctionType, partial)
# Objects of torch that hold a step's state; all others are its machinery, whose insides are left alone.
_HOLDERS = (nn.Module, Optimizer, torch.optim.lr_scheduler.LRScheduler, torch.amp.GradScaler)
_MACHINERY = ("torch", "threading", "_thread", "logging", "weakref", "io", "_io", "multiprocessing")


def outermost(root: object, kind: type[T]) -> dict[str, T]:
    """Every outermost object of a kind in a model or optimizer, whatever holds it, by the path to it; "" for itself."""
    objects: dict[str, T] = {}
    seen: set[int] = set()

    def walk(value: object, path: str) -> None:
        if isinstance(value, _SIMPLE + _CODE) or id(value) in seen:
            return
        seen.add(id(value))
        if isinstance(value, kind):
            objects[path] = value
            return
        for name, part in _parts(value):
            walk(part, f"{path}.{name}" if path else str(name))

    walk(root, "")
    return objects


def _parts(value: object) -> Iterator[tuple[object, Any]]:
    """What an object holds, by name."""
    if isinstance(value, Mapping):  # keys may be tensors, which are long as text
        for place, (key, part) in enumerate(list(value.items())):
            yield key if isinstance(key, str | int) else place, part
    elif isinstance(value, list | tuple | deque):
        yield from enumerate(list(value))
    elif not isinstance(value, Tensor) and _is_state(value):
        yield from [*getattr(value, "__dict__", {}).items(), *_slots(value)]


def _slots(value: object) -> list[tuple[str, Any]]:
    """The attributes that an object keeps in slots and not in a dict."""
    names = [name for kind in type(value).__mro__ for name in vars(kind).get("__slots__", ())]
    return [(name, getattr(value, name)) for name in names if hasattr(value, name) and not name.startswith("__")]


def _is_state(value: object) -> bool:
    return isinstance(value, _HOLDERS) or type(value).__module__.partition(".")[0] not in _MACHINERY


def tensors(model: object, optimizer: object) -> dict[str, Tensor]:
    """Every tensor of a step's state by its kind and place: "parameter 0.weight", "buffer 1.running_mean",
    "attribute lstm.hidden.0", "state exp_avg of 0.weight". Tied parameters are there once.
    """
    state: dict[str, Tensor] = {}
    names: dict[int, str] = {}
    for path, module in outermost(model, nn.Module).items():
        before = f"{path}." if path else ""
        for name, parameter in module.named_parameters():
            state[f"parameter {before}{name}"] = parameter
            names[id(parameter)] = before + name
        state |= {f"buffer {before}{name}": buffer for name, buffer in module.named_buffers()}
        for name, part in module.named_modules():
            where = f"{before}{name}." if name else before
            for attribute, value in vars(part).items():
                if not attribute.startswith("_"):
                    state |= {f"attribute {where}{key}": tensor for key, tensor in _loose(value, attribute)}
    named = {id(tensor) for tensor in state.values()}
    for path, tensor in outermost(model, Tensor).items():  # of what is no module, or hidden in one
        if id(tensor) not in named:
            state[f"{'parameter' if tensor.requires_grad else 'attribute'} {path}"] = tensor
            names[id(tensor)] = path
    for path, one in outermost(optimizer, Optimizer).items():
        before = f"{path}." if path else ""
        parameters = [parameter for group in one.param_groups for parameter in group["params"]]
        for number, parameter in enumerate(parameters):
            owner = names.get(id(parameter), f"parameter {number}")
            for key, tensor in _loose(one.state.get(parameter, {}), ""):
                state[f"state {before}{key.removeprefix('.')} of {owner}"] = tensor
    return state


def _loose(value: object, name: str) -> Iterator[tuple[str, Tensor]]:
    """The tensors in an attribute: itself, or those in its lists and dicts."""
    if isinstance(value, Tensor | list | tuple | dict):
        for path, leaf in pytree.tree_flatten_with_path(value)[0]:
            if isinstance(leaf, Tensor):
                yield ".".join([name, *(str(getattr(key, "key", getattr(key, "idx", key))) for key in path)]), leaf


class RandomState:
    """The state of every generator of random numbers that a step may use: torch's, Python's, NumPy's."""

    def __init__(self) -> None:
        self._host, self._python, self._numpy = torch.get_rng_state(), random.getstate(), np.random.get_state()
        self._device = torch.cuda.get_rng_state() if torch.cuda.is_initialized() else None

    def restore(self) -> None:
        """Puts it back."""
        torch.set_rng_state(self._host)
        random.setstate(self._python)
        np.random.set_state(self._numpy)
        if self._device is not None:
            torch.cuda.set_rng_state(self._device)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RandomState) or not torch.equal(self._host, other._host):
            return False
        device = (self._device is None) == (other._device is None) and (
            self._device is None or other._device is None or torch.equal(self._device, other._device)
        )
        pairs = zip(self._numpy, other._numpy, strict=True)
        return device and self._python == other._python and all(bool(np.all(a == b)) for a, b in pairs)

    __hash__ = None  # type: ignore[assignment]


class Snapshot:
    """A copy of all that can be reached from some objects: tensors, their gradients, containers, attributes, random state.

    `restore` writes it back in place, so that addresses and identities stay: what was compiled or captured keeps them.
    """

    def __init__(self, *roots: object) -> None:
        self._undo: list[Callable[[], object]] = []
        self._seen: dict[int, object] = {}  # holds the objects, so that no address is used twice
        for root in roots:
            self._keep(root)
        self._random = RandomState()

    @torch.no_grad()
    def restore(self) -> None:
        """Puts everything back."""
        for undo in self._undo:
            undo()
        self._random.restore()

    def _keep(self, value: Any) -> None:
        if isinstance(value, _SIMPLE + _CODE) or id(value) in self._seen:
            return
        self._seen[id(value)] = value
        if isinstance(value, Tensor):
            self._keep_tensor(value)
        elif isinstance(value, np.ndarray):
            copy = value.copy()
            self._undo.append(lambda: np.copyto(value, copy))
        elif isinstance(value, torch.Generator):
            self._undo.append(partial(value.set_state, value.get_state()))
        elif isinstance(value, random.Random):
            self._undo.append(partial(value.setstate, value.getstate()))
        elif isinstance(value, np.random.Generator):
            self._undo.append(partial(setattr, value.bit_generator, "state", deepcopy(value.bit_generator.state)))
        elif isinstance(value, dict):
            items = list(value.items())
            self._undo.append(lambda: _refill(value, items))
            for key, part in items:
                self._keep(key)
                self._keep(part)
        elif isinstance(value, list | deque):
            entries = list(value)
            self._undo.append(partial(_refill_list, value, entries))
            for part in entries:
                self._keep(part)
        elif isinstance(value, set):
            self._undo.append(partial(_refill_set, value, set(value)))
        elif isinstance(value, tuple):
            for part in value:
                self._keep(part)
        elif _is_state(value):
            self._keep(getattr(value, "__dict__", None))
            for name, part in _slots(value):
                self._undo.append(partial(object.__setattr__, value, name, part))
                self._keep(part)

    def _keep_tensor(self, tensor: Tensor) -> None:
        if tensor.layout != torch.strided:
            return  # a sparse matrix in a model is data; a sparse gradient is made anew by each update
        content = tensor.detach().clone()
        leaf = tensor.is_leaf and tensor.requires_grad
        gradient = tensor.grad if leaf else None
        values = gradient.detach().clone() if gradient is not None else None

        def undo() -> None:
            tensor.data.copy_(content)
            if leaf:
                tensor.grad = gradient
                if gradient is not None and values is not None and gradient.layout == torch.strided:
                    gradient.copy_(values)

        self._undo.append(undo)


def _refill_list(values: "list[Any] | deque[Any]", entries: list[Any]) -> None:
    """Gives a list its entries back."""
    values.clear()
    values.extend(entries)


def _refill_set(values: set[Any], members: set[Any]) -> None:
    """Gives a set its members back."""
    values.clear()
    values.update(members)


def _refill(mapping: dict[Any, Any], items: list[tuple[Any, Any]]) -> None:
    """Gives a dict its items back, in their order; one that has them already is left alone."""
    now = list(mapping.items())
    if len(now) != len(items) or any(a is not c or b is not d for (a, b), (c, d) in zip(now, items, strict=True)):
        mapping.clear()
        mapping.update(items)
