"""The matrix products, convolutions, attentions and recurrent layers of a plain update, to be made again alone. Loads torch."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from impls.recipe.live_step import LiveStep

aten = torch.ops.aten
# Those that write into a given result; what torch makes up of the others' `out` computes first and copies then.
INTO = ("mm", "bmm", "mv", "addmm", "baddbmm", "addmv")
NEW = (
    "addbmm",
    "convolution",
    "convolution_backward",
    "_convolution",
    "mkldnn_rnn_layer",
    "mkldnn_rnn_layer_backward",
    "_cudnn_rnn",
    "_cudnn_rnn_backward",
)
ATTENTION = "_scaled_dot_product_"


class Recorder(TorchDispatchMode):
    """Collects the products of what runs meanwhile, forward and backward, each as a call on the very tensors.

    That these are not copies keeps shapes, strides, and which products read the same memory.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: list[Callable[[], object]] = []

    def __torch_dispatch__(
        self, func: OpOverload, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Runs an operation, and keeps it where it is a product."""
        result = func(*args, **(kwargs or {}))
        base = func._schema.name.removeprefix("aten::")
        name = base.removesuffix("_") if func._schema.is_mutable else base
        if name in INTO or name in NEW or name.startswith(ATTENTION):
            self.calls.append(call_of(name, func, result, args, kwargs or {}))
        return result


def call_of(name: str, func: OpOverload, result: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """One product as a call without arguments; it writes where the update's own did, where the operation can."""
    args, given = pytree.tree_map_only(Tensor, Tensor.detach, (args, dict(kwargs)))
    given.pop("out", None)
    if name in INTO:
        # What writes into its own input would grow from call to call.
        into = torch.empty_like(result) if func._schema.is_mutable else result.detach()
        return partial(getattr(aten, name).out, *args, **given, out=into)
    return partial(func, *args, **given)


def product_calls(step: LiveStep) -> Sequence[Sequence[Callable[[], object]]]:
    """The products of one plain update on each batch in turn; those of batches of one shape are recorded once."""
    recorded: dict[Any, Sequence[Callable[[], object]]] = {}
    turns = []
    for number, batch in enumerate(step.batches):
        leaves = pytree.tree_leaves(batch)
        shapes = tuple((leaf.shape, leaf.dtype) for leaf in leaves if isinstance(leaf, Tensor))
        if shapes not in recorded:
            with Recorder() as recorder:
                step.update_once(number)
            recorded[shapes] = recorder.calls
        turns.append(recorded[shapes])
    return turns
