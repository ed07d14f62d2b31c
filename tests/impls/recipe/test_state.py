"""Every tensor of a step's state has a name, and a snapshot puts all back in place."""

import random
from collections import OrderedDict, deque
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from impls.recipe.state import RandomState, Snapshot, outermost, tensors


def test_tensors_are_named_by_kind_and_place() -> None:
    """Parameters, buffers, attributes and optimizer state; a tied parameter once."""
    first: Any = nn.Linear(2, 2)
    model = nn.Sequential(first, nn.BatchNorm1d(2), nn.Linear(2, 2, bias=False))
    model[2].weight = first.weight
    first.hidden = (torch.zeros(1), [torch.ones(1)])
    optimizer = torch.optim.SGD([first.weight], lr=0.1, momentum=0.9)
    first.weight.sum().backward()
    optimizer.step()
    assert list(tensors({"net": model}, [optimizer])) == [
        "parameter net.0.weight",
        "parameter net.0.bias",
        "parameter net.1.weight",
        "parameter net.1.bias",
        "buffer net.1.running_mean",
        "buffer net.1.running_var",
        "buffer net.1.num_batches_tracked",
        "attribute net.0.hidden.0",
        "attribute net.0.hidden.1.0",
        "state 0.momentum_buffer of net.0.weight",
    ]


def test_a_model_that_is_no_module_has_its_tensors() -> None:
    """Tensors in a dict, in an object that can be called, and in one that a module holds."""
    weight = torch.zeros(1, requires_grad=True)

    class Net:
        def __init__(self) -> None:
            self.weight = weight

        def __call__(self, batch: Tensor) -> Tensor:
            return batch * self.weight

    assert tensors({"w": weight}, None) == {"parameter w": weight}
    assert tensors(Net(), None) == {"parameter weight": weight}
    holder: Any = nn.Module()
    holder.nets = [Net()]
    assert tensors(holder, None) == {"parameter nets.0.weight": weight}


def test_outermost_objects_are_found_in_whatever_holds_them() -> None:
    """In dicts, lists and objects, by the path to each; an object in a circle ends no search."""
    first, second = nn.Linear(1, 1), nn.Linear(1, 1)
    holder = SimpleNamespace(nets=[{"a": first}, nn.Sequential(second)])
    holder.itself = holder
    assert list(outermost(holder, nn.Module)) == ["nets.0.a", "nets.1"]


def test_containers_come_back_with_what_they_held() -> None:
    """Lists, deques, sets, dicts in their order, arrays, and what lies in them; each stays the same object."""
    inner = torch.zeros(2)
    held: dict[str, Any] = {
        "list": [1, inner],
        "deque": deque([1, 2], maxlen=2),
        "set": {1, 2},
        "ordered": OrderedDict(a=1, b=2),
        "array": np.zeros(2),
        "tuple": (inner, [3]),
    }
    parts = dict(held)
    snapshot = Snapshot(held)
    inner.add_(1)
    held["list"].append(5)
    held["deque"].append(3)
    held["set"].clear()
    held["ordered"].move_to_end("a")
    held["array"][0] = 7
    held["tuple"][1].pop()
    held["new"] = 1
    del held["list"]
    snapshot.restore()
    assert list(held) == list(parts)
    assert all(held[name] is part for name, part in parts.items())
    assert held["list"] == [1, inner]
    assert inner.tolist() == [0, 0]
    assert list(held["deque"]) == [1, 2]
    assert held["deque"].maxlen == 2
    assert held["set"] == {1, 2}
    assert list(held["ordered"]) == ["a", "b"]
    assert held["array"].tolist() == [0, 0]
    assert held["tuple"] == (inner, [3])


def test_gradients_come_back_as_they_were() -> None:
    """A gradient that was there is the same tensor with the same numbers; one that was not is None again."""
    with_gradient, without = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    with_gradient.grad = gradient = torch.full((2,), 3.0)
    snapshot = Snapshot([with_gradient, without])
    gradient.zero_()
    with_gradient.grad = None
    without.grad = torch.ones(2)
    snapshot.restore()
    assert with_gradient.grad is gradient
    assert gradient.tolist() == [3, 3]
    assert without.grad is None


def test_random_numbers_go_on_where_they_were() -> None:
    """torch, Python and NumPy draw the same numbers again; two states are equal until one has drawn."""
    snapshot, before = Snapshot(), RandomState()
    drawn = [torch.rand(1).item(), random.random(), np.random.rand()]
    assert before != RandomState()
    snapshot.restore()
    assert before == RandomState()
    assert [torch.rand(1).item(), random.random(), np.random.rand()] == drawn
