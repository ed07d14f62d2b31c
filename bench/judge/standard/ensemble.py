"""What rounding explains: runs operations with every rounded result moved at random by a few units in its last place."""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

from bench.judge.standard.operations import EXACT, SCATTERED, Moves, base_name, moves_of, tensors_in

INTEGER = {
    torch.float16: torch.int16,
    torch.bfloat16: torch.int16,
    torch.float32: torch.int32,
    torch.float64: torch.int64,
}


class Moved(TorchDispatchMode):
    """While it is entered, every result of an operation that rounds is moved at random, forward, backward and optimizer alike.

    A plain operation's result moves by -1, 0 or +1 unit in its last place, a sum of n terms by up to max(3, sqrt(n) / 4).
    Numbers that share a sum, like the mean of their channel, move by that together, and by up to 3 each for itself.
    What an operation writes into is a result, too. Zeros, infinities and denormal numbers stay, and so does a single whole
    number, for counters are exact. Sparse tensors stay as well: their values were moved when they were computed.

    member  seeds the moves
    """

    def __init__(self, member: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._member = member
        self._generators: dict[torch.device, torch.Generator] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """The operation's results, moved."""
        kwargs = kwargs or {}
        if not isinstance(func, OpOverload) or base_name(func) in EXACT:
            return func(*args, **kwargs)
        written = list(_written(func, args, kwargs))
        before = [(tensor, tensor.clone()) for tensor in written if _has_memory(tensor) and _is_sparse(func, args)]
        result = func(*args, **kwargs)
        partly = [(tensor, old, tensor != old) for tensor, old in before]
        returned = [] if _returns_views(func) else list(tensors_in(result))
        inputs = {id(tensor) for tensor in tensors_in((args, tuple(kwargs.values())))}
        shared = {tensor.data_ptr() for tensor in tensors_in((args, tuple(kwargs.values()))) if _has_memory(tensor)}
        moved: set[int] = set()
        with torch.no_grad():
            for tensor in [*written, *(fresh for fresh in returned if id(fresh) not in inputs)]:
                if _movable(tensor) and tensor.data_ptr() not in moved:
                    if tensor.data_ptr() in shared and not any(tensor is target for target in written):
                        continue  # an operation that hands on its input without saying so
                    moved.add(tensor.data_ptr())
                    self._move(tensor, moves_of(base_name(func), args, tensor))
            for tensor, old, changed in partly:
                tensor.copy_(torch.where(changed, tensor, old))
        return result

    def _move(self, tensor: Tensor, moves: Moves) -> None:
        """Moves each number of a tensor by a random whole number of units."""
        if tensor.dtype.is_complex:
            tensor = torch.view_as_real(tensor)
        if tensor.numel() == 1 and float(tensor.item()).is_integer():
            return
        units = self._drawn(tensor.shape, moves.own, tensor.device)
        if moves.common:
            units += self._drawn(moves.shape, moves.common, tensor.device)
        finite, size = torch.finfo(tensor.dtype), tensor.abs()
        units *= (size >= 2 * finite.tiny) & (size <= finite.max / 2)
        tensor.view(INTEGER[tensor.dtype]).add_(units)

    def _drawn(self, shape: Sequence[int], width: int, device: torch.device) -> Tensor:
        """Random whole numbers between -width and width: random bytes, two for each number, which is quicker than randint."""
        count = math.prod(shape)
        words = torch.empty((count + 3) // 4, dtype=torch.int64, device=device)
        words.random_(-(1 << 63), None, generator=self._generator(device))
        halves = words.view(torch.int16)[:count].view(shape).to(torch.int32)
        return halves.add_(1 << 15).mul_(2 * width + 1).bitwise_right_shift_(16).sub_(width)

    def _generator(self, device: torch.device) -> torch.Generator:
        """The source of moves on a device; the step's own sources are not touched."""
        if device not in self._generators:
            self._generators[device] = torch.Generator(device).manual_seed(self._member)
        return self._generators[device]


def _written(operation: OpOverload, arguments: Sequence[Any], named: Mapping[str, Any]) -> Iterator[Tensor]:
    """The tensors that an operation writes into, by its schema; BatchNorm's oldest schema does not say so."""
    declared = operation._schema.arguments
    for argument, value in [*zip(declared, arguments, strict=False), *((a, named.get(a.name)) for a in declared)]:
        hidden = base_name(operation) == "native_batch_norm" and argument.name.startswith("running_")
        if hidden or (argument.alias_info is not None and argument.alias_info.is_write):
            yield from tensors_in(value)


@cache
def _returns_views(operation: OpOverload) -> bool:
    returns = operation._schema.returns
    return any(value.alias_info is not None and not value.alias_info.is_write for value in returns)


def _is_sparse(operation: OpOverload, arguments: Sequence[Any]) -> bool:
    """Whether an operation leaves most of what it writes into as it is: then only what it changes is rounded."""
    return base_name(operation) in SCATTERED or any(one.layout != torch.strided for one in tensors_in(arguments))


def _has_memory(tensor: Tensor) -> bool:
    return tensor.layout == torch.strided and tensor.numel() > 0


def _movable(tensor: Tensor) -> bool:
    """Whether a tensor holds rounded numbers, each in a place of its own."""
    if not _has_memory(tensor):
        return False
    overlaps = any(size > 1 and step == 0 for size, step in zip(tensor.shape, tensor.stride(), strict=True))
    rounded = not tensor.is_conj() if tensor.is_complex() else tensor.dtype in INTEGER
    return rounded and not overlaps
