"""A graph that a compiler gets wrong is made as small as it still shows it. The compiler here loses every `alpha`."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, fx
from torch._dynamo.backends.registry import _BACKENDS, _COMPILER_FNS, register_backend
from torch.fx.experimental.proxy_tensor import make_fx

from bench import clock
from bench.diagnosis import compiler_script
from bench.diagnosis.minimise import Trial, minimised
from bench.diagnosis.program import Program, of_graph
from bench.diagnosis.stages import only_up_to


def loses_alpha(graph: fx.GraphModule, _: Sequence[Any]) -> Callable[..., Any]:
    """A compiler that turns a + k * b into a + b."""
    for node in graph.graph.nodes:
        node.kwargs = {name: value for name, value in node.kwargs.items() if name != "alpha"}
    graph.recompile()
    return graph


@pytest.fixture(scope="module", autouse=True)
def _registered() -> Iterator[None]:
    register_backend(loses_alpha, "loses_alpha")
    yield
    for known in (_BACKENDS, _COMPILER_FNS):
        known.pop("loses_alpha", None)


@pytest.fixture(scope="module")
def captured() -> tuple[Program, dict[str, Any]]:
    """The program of an update that writes in place, and its values."""

    def update(batch: Tensor, weight: Tensor, moment: Tensor) -> tuple[Tensor, Tensor]:
        values, indices = torch.sort(batch @ weight, dim=1)
        loss = values.tanh().square().mean() + indices.sum() * 0
        gradient = torch.add((batch.T @ values).detach(), weight, alpha=0.25)
        moment.copy_(moment * 0.9 + gradient)
        return loss, torch.zeros(2, dtype=torch.int64)

    inputs = [torch.randn(shape, dtype=torch.float64) for shape in ((5, 3), (3, 4), (3, 4))]
    return of_graph(make_fx(update)(*inputs), inputs)


@pytest.mark.parametrize("known", [(), ((3, 4),)], ids=["nothing known", "its shape known"])
def test_what_is_left_is_the_operation_that_is_wrong(captured: tuple[Program, dict[str, Any]], known: Any) -> None:
    """Of a dozen operations one stays, whether or not it is known which result is wrong."""
    program, values = captured
    shapes = [torch.Size(shape) for shape in known]
    small = minimised(program, values, Trial("loses_alpha", clock.now() + 60), shapes)
    assert small is not None
    (operation,) = small.operations
    assert "alpha=0.25" in operation.code(short=True)


def test_nothing_is_left_of_what_is_compiled_right(captured: tuple[Program, dict[str, Any]]) -> None:
    """A graph that is right has no part that is wrong; nor is there one once the time is over."""
    program, values = captured
    assert minimised(program, values, Trial("eager", clock.now() + 60)) is None
    assert minimised(program, values, Trial("loses_alpha", -math.inf)) is None


def test_the_script_draws_its_inputs_where_that_shows_it(captured: tuple[Program, dict[str, Any]]) -> None:
    """Inputs that any numbers stand for are drawn; others are kept in a file that the script reads."""
    program, values = captured
    trial = Trial("loses_alpha", clock.now() + 60)
    small = minimised(program, values, trial)
    assert small is not None
    script = compiler_script.written(small, values, trial, "whole_graph of a step")
    assert script.tensors is None
    assert "def f(a, b):\n    return torch.add(a, b, alpha=0.25)\n" in script.text
    assert "a = torch.randn(3, 4, dtype=torch.float64)" in script.text


def test_what_an_author_wrote_is_shown_in_his_words() -> None:
    """A graph that torch.compile captured has methods and signs; it ends before what writes in place."""

    def layer(x: Tensor, weight: Tensor) -> Tensor:
        hidden = torch.add(x @ weight / 2.0, x.transpose(0, 1)[:, 1:], alpha=0.5)
        return hidden.relu_().sum()

    with only_up_to("eager") as watched:
        torch.compile(layer, backend="eager")(torch.randn(3, 3), torch.randn(3, 2))
    (graph,) = watched.graphs
    assert graph.inputs is not None
    program, values = of_graph(graph.graph, graph.inputs)
    written = program.code().splitlines()[1:]
    assert [line.partition("=")[2].strip() or line.strip() for line in written][:2] == [
        "l_x_ @ l_weight_",
        "matmul / 2.0",
    ]
    assert written[-1].startswith("    return torch.add(")
    assert torch.equal(program.function()(*(values[name] for name in program.inputs)), values[program.results[0]])
