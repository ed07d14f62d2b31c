"""Patches that compile: pasted they are the same arm, they compile something, and they compute what the file does."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._dynamo.utils import counters
from torch.fx.experimental.proxy_tensor import make_fx

from bench.worker.step_arm import check_compiled
from bench.worker.unfit import Unfit
from impls.recipe.live_step import LiveStep
from impls.recipe.recipe import Recipe, rewrites
from impls.rewrites import whole_graph_patch
from tests.impls.rewrites.test_patches import set_alike
from tests.impls.steps_in_tests import live, written

# Small, so that compilers are soon done; with blocks that repeat, weight decay, and a learning rate that moves.
REGRESSION = '''"""Fits a plane through points."""

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])

    def forward(self, points):
        for block in self.blocks:
            points = points + block(points)
        return points


def model():
    return Net()


def optimizer(model, lr=0.1):
    return torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9, weight_decay=0.1)


def schedule(optimizer, number):
    optimizer.param_groups[0]["lr"] = 0.1 / (1 + number)


def batches(seed):
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield torch.randn(8, 4, generator=generator), torch.randn(8, 4, generator=generator)


def loss(model, batch):
    return (model(batch[0]) - batch[1]).square().mean()
'''

# Its memory is replaced by a new tensor in each update, and only added to its outputs, so that gradients stay small.
CARRIED = REGRESSION.replace(
    "        return points\n",
    """        before, self.memory = self.memory, (0.5 * self.memory + points).detach()
        return points + before
""",
).replace("Linear(4, 4)])\n", "Linear(4, 4)])\n        self.memory = torch.zeros(8, 4)\n")

ON_CPU = [
    name
    for name, rewrite in rewrites().items()
    if rewrite.compiles and "cpu" in rewrite.devices and not rewrite.own_draws
]


@pytest.fixture(autouse=True)
def fresh_compiler() -> None:
    """What other tests have compiled is forgotten and not counted; that sizes are tuned for one test is not tried."""
    torch._dynamo.reset()
    counters.clear()


def changes(step: LiveStep, updates: int) -> dict[str, Tensor]:
    """What these updates change in every tensor of the state."""
    before = {name: tensor.detach().clone() for name, tensor in step.tensors().items()}
    step.advance(updates)
    return {name: tensor.detach().double() - before[name].double() for name, tensor in step.tensors().items()}


def assert_alike(arm: LiveStep, plain: LiveStep, updates: int = 3) -> None:
    """Both change the same: wrong factors and forgotten updates are errors far above a thousandth, rounding far below."""
    expected, seen = changes(plain, updates), changes(arm, updates)
    assert expected.keys() == seen.keys()
    for name, change in expected.items():
        assert change.norm() > 0, name
        assert (seen[name] - change).norm() <= 1e-3 * change.norm(), name


@pytest.mark.parametrize("name", ON_CPU)
def test_a_compiled_patch_is_the_same_arm_and_computes_the_same(name: str, tmp_path: Path) -> None:
    """Something is compiled; three updates change what the plain step changes; pasted, the patch does so to the bit."""
    file = written(tmp_path, REGRESSION)
    arm = live(file, Recipe.of([name]).name)
    arm.advance(1)
    check_compiled(arm)
    arm.reset()
    assert_alike(arm, live(file))

    pasted = live(written(tmp_path, REGRESSION + arm.patch, "pasted.py"))
    pasted.advance(1)
    set_alike(pasted, arm)
    pasted.number = arm.number
    for _ in range(2):
        assert torch.equal(pasted.update_once(), arm.update_once())
    others = arm.tensors()
    assert all(torch.equal(tensor, others[key]) for key, tensor in pasted.tensors().items())


def test_own_draws_are_other_numbers(tmp_path: Path) -> None:
    """A graph that draws in the compiler's way has another loss than the plain step, and leaves torch's generator elsewhere."""
    file = written(tmp_path, REGRESSION.replace("batch[0])", "batch[0] + torch.randn_like(batch[0]))"))
    arm, plain = live(file, "own_draws"), live(file)
    arm.advance(1)
    check_compiled(arm)
    ended = []
    for step in (plain, arm):
        step.reset()
        torch.manual_seed(0)
        ended.append((float(step.update_once()), torch.get_rng_state()))
    assert ended[0][0] != pytest.approx(ended[1][0], rel=1e-3)
    assert not torch.equal(ended[0][1], ended[1][1])


def test_tensors_that_are_replaced_are_carried_on_in_a_whole_graph(tmp_path: Path) -> None:
    """A model's memory, a new tensor after each plain update, is written into the old one; the graph reads it there."""
    file = written(tmp_path, CARRIED)
    arm, plain = live(file, "whole_graph"), live(file)
    assert plain.facts.replaced == ("attribute memory",)
    arm.advance(1)
    arm.reset()
    assert_alike(arm, plain)
    assert torch.equal(arm.model.memory, arm.tensors()["attribute memory"])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("nn.Linear(4, 4), nn", "nn.Embedding(9, 4, sparse=True), nn", "is sparse"),
        (
            "torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9, weight_decay=0.1)",
            "torch.optim.LBFGS([])",
            "LBFGS",
        ),
        ("yield torch", 'yield "name", torch', "its batches hold more than tensors"),
    ],
    ids=["sparse", "lbfgs", "words"],
)
def test_what_a_whole_graph_cannot_hold_is_said(old: str, new: str, words: str, tmp_path: Path) -> None:
    """A sentence says what of a step a graph cannot hold."""
    source = REGRESSION.replace(old, new)
    assert source != REGRESSION
    if old.startswith("nn.Linear"):
        source = source.replace("block(points)", "(block(points) if i else block((points > 0).long()).sum(1))")
        source = source.replace("for block in self.blocks", "for i, block in enumerate(self.blocks)")
        source = source.replace("momentum=0.9, weight_decay=0.1", "momentum=0.0")
    if old.startswith("yield"):
        source = source.replace("batch[0]", "batch[1]").replace("- batch[1])", "- batch[2])")
    if old.startswith("torch.optim"):
        source = source.replace("LBFGS([])", "LBFGS(model.parameters(), lr=lr)") + (
            "\n\ndef update(model, optimizer, batch):\n"
            "    def closure():\n        optimizer.zero_grad()\n        value = loss(model, batch)\n"
            "        value.backward()\n        return value\n\n    return optimizer.step(closure).detach()\n"
        )
    reason = rewrites()["whole_graph"].refusal(live(written(tmp_path, source)))
    assert reason is not None
    assert words in reason


def test_numbers_that_move_in_an_update_are_named_with_the_cure(tmp_path: Path) -> None:
    """A learning rate that an author's update sets would be frozen: the reason names it, and `schedule`."""
    own = """

def update(model, optimizer, batch):
    optimizer.param_groups[0]["lr"] *= 0.9
    optimizer.zero_grad()
    value = loss(model, batch)
    value.backward()
    optimizer.step()
    return value.detach()
"""
    source = REGRESSION.replace("def schedule", "def unused") + own
    reason = rewrites()["whole_graph"].refusal(live(written(tmp_path, source)))
    assert reason == (
        "Python numbers move in every update and would be frozen into the graph: optimizer.group 0.lr; "
        "write them in `schedule`"
    )


@pytest.mark.parametrize("other", ["compile_forward", "compile_loss", "compile_gradients", "compiled_optimizer"])
def test_a_whole_graph_is_not_stacked_on_what_is_compiled_already(other: str) -> None:
    """What is compiled cannot be traced once more: make_fx would freeze what it returns."""
    refusal = Recipe.of(["whole_graph", other]).refusal
    assert refusal is not None
    assert "cannot be stacked" in refusal


def test_an_arm_of_which_nothing_was_compiled_fails(tmp_path: Path) -> None:
    """A compiled forward pass that the loss never calls is the plain step under another name."""
    source = REGRESSION.replace("(model(batch[0]) -", "(model.blocks[1](model.blocks[0](batch[0])) -")
    arm = live(written(tmp_path, source), "compile_forward")
    arm.advance(1)
    with pytest.raises(Unfit, match="compile_forward compiled nothing"):
        check_compiled(arm)


def test_compile_of_a_sequential_compiles_nothing() -> None:
    """Why compile_forward has a function around `forward`: torch's own forward is skipped, without a word."""
    net = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    net.compile(backend="eager")
    net(torch.ones(2, 4))
    assert counters["stats"]["unique_graphs"] == 0


def test_inductor_loses_the_factor_of_a_sum_with_a_product() -> None:
    """torch 2.13 compiles add(a @ b, c, alpha=k) as if k were 1; once this fails, `add` of whole_graph can go."""
    a, b, c = torch.randn(10, 32), torch.randn(32, 128), torch.randn(10, 128)

    def product(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
        return torch.add(a @ b, c, alpha=5e-4)

    namespace: dict[str, Any] = {"update": None}
    exec(whole_graph_patch.PATCH, namespace)  # noqa: S102 - the project's own lines
    table: dict[Any, Callable[..., Any]] = {torch.ops.aten.add.Tensor: namespace["add"]}
    with torch.no_grad():
        wrong = torch.compile(product)(a, b, c)
        right = torch._inductor.compile(make_fx(product, decomposition_table=table)(a, b, c), [a, b, c])(a, b, c)
    torch.testing.assert_close(wrong, a @ b + c)
    torch.testing.assert_close(right, a @ b + 5e-4 * c)


def test_an_update_traced_by_dynamo_has_zero_gradients() -> None:
    """Why whole_graph is no torch.compile of `update`: torch 2.13 makes one graph without a word, and its gradients are 0."""
    net = nn.Linear(4, 1)
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.1)
    points = torch.ones(8, 4)
    optimizer.updates = 0  # type: ignore[attr-defined]

    def update(net: nn.Module, optimizer: Any, points: Tensor) -> Tensor:
        optimizer.updates += 1
        optimizer.param_groups[0]["lr"] = 0.1 / optimizer.updates
        for parameter in net.parameters():
            parameter.grad.zero_()  # type: ignore[union-attr]
        value: Tensor = net(points).square().mean()
        value.backward()
        with torch.no_grad():
            inspect.unwrap(type(optimizer).step)(optimizer)
        return value.detach()

    for parameter in net.parameters():
        parameter.grad = torch.zeros_like(parameter)
    update(net, optimizer, points)
    assert all(parameter.grad is not None and parameter.grad.norm() > 0 for parameter in net.parameters())
    with torch._dynamo.config.patch(trace_autograd_ops=True):
        torch.compile(update, fullgraph=True, backend="eager")(net, optimizer, points)
    assert all(parameter.grad is not None and parameter.grad.norm() == 0 for parameter in net.parameters())


def test_a_number_that_meets_a_large_tensor_is_stored() -> None:
    """Else the compiler computes it anew for each few elements, which took a quarter of an update; small ones cost nothing."""
    names: dict[str, Any] = {"update": None}
    exec(whole_graph_patch.PATCH, names)  # noqa: S102 - our own lines

    def decayed(step: Tensor, weights: Tensor) -> Tensor:
        return weights * (1 - 0.9**step)

    for numbers, stored in ((2000, 1), (10, 0)):
        example = (torch.tensor(3.0, dtype=torch.float64), torch.ones(numbers))
        graph = make_fx(decayed)(*example)
        names["compute_numbers_once"](graph)
        graph.recompile()
        calls = [node for node in graph.graph.nodes if node.target is torch.ops.aten.as_strided.default]
        assert len(calls) == stored
        assert torch.equal(graph(*example), decayed(*example))
