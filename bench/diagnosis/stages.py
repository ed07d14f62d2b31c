"""The stages of the compiler: builds an arm whose graphs are run as they were captured, or compiled only so far."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from unittest import mock

import torch
import torch._inductor
from torch import fx
from torch.fx import GraphModule
from torch.fx.experimental import proxy_tensor

Stage = Literal["uncaptured", "eager", "aot_eager", "aot_eager_decomp_partition", "inductor"]
STAGES: tuple[Stage, ...] = ("uncaptured", "eager", "aot_eager", "aot_eager_decomp_partition", "inductor")
AHEAD_OF_TIME: tuple[Stage, ...] = ("aot_eager", "aot_eager_decomp_partition")

Run = Callable[..., Any]


@dataclass
class Captured:
    """A graph that the compiler was given, with the inputs of its first call; None before it."""

    graph: GraphModule
    inputs: list[Any] | None = None

    def run(self, inputs: list[Any]) -> Any:
        """Runs the graph as it is."""
        if self.inputs is None:
            self.inputs = [one.detach().clone() if isinstance(one, torch.Tensor) else one for one in inputs]
        return self.graph(*inputs)


@dataclass
class Watched:
    """What happened while a stage was entered.

    asked   how often something was to be captured or compiled
    graphs  in order; of an ahead-of-time stage those without autograd, forward and backward each by itself
    """

    asked: int = 0
    graphs: list[Captured] = field(default_factory=list)


@contextlib.contextmanager
def only_up_to(stage: Stage) -> Iterator[Watched]:
    """While it is entered, whatever asks torch to capture or compile gets a graph that is compiled up to a stage only.

    uncaptured                  what torch.compile or make_fx is given runs as it is written, and no graph is made of it
    eager                       the captured graph runs as it is
    aot_eager                   autograd is in the graph, too, and what writes in place is replaced
    aot_eager_decomp_partition  operations are replaced by simpler ones as inductor has it
    inductor                    compiled as the arm asks for it
    """
    watched = Watched()
    compile_function, compile_graph, capture = torch.compile, torch._inductor.compile, proxy_tensor.make_fx
    backend = _backend(stage, watched)

    def staged(function: Any = None, **options: Any) -> Any:
        if function is None:
            return lambda given: staged(given, **options)
        watched.asked += 1
        if stage == "uncaptured":
            return function
        if stage == "inductor":
            return compile_function(function, **options)
        kept = {name: value for name, value in options.items() if name in ("fullgraph", "dynamic")}
        return compile_function(function, backend=backend, **kept)

    def staged_graph(graph: GraphModule, inputs: Sequence[Any], options: dict[str, Any] | None = None) -> Any:
        watched.asked += 1
        if stage == "inductor":
            return compile_graph(graph, list(inputs), options)
        return backend(graph, list(inputs))

    def staged_capture(function: Run, *arguments: Any, **options: Any) -> Run:
        watched.asked += 1
        return _not_captured(function) if stage == "uncaptured" else capture(function, *arguments, **options)

    if "torch._dynamo" in sys.modules:  # else nothing has been compiled yet
        torch._dynamo.reset()
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.object(torch, "compile", staged))
        stack.enter_context(mock.patch.object(torch._inductor, "compile", staged_graph))
        stack.enter_context(mock.patch.object(proxy_tensor, "make_fx", staged_capture))
        yield watched


class _NoGraph:
    """Stands for the graph that would have been captured of a function, and runs the function."""

    def __init__(self, function: Run) -> None:
        self.graph, self._function = fx.Graph(), function

    def __call__(self, *inputs: Any) -> Any:
        with torch.enable_grad():  # a graph has its gradients in it, and is called where none are recorded
            return self._function(*inputs)


def _not_captured(function: Run) -> Run:
    """What make_fx returns, but for the graph: it calls the function once, as capturing does."""

    def captured(*inputs: Any) -> _NoGraph:
        function(*inputs)
        return _NoGraph(function)

    return captured


def _backend(stage: Stage, watched: Watched) -> Callable[[Any, list[Any]], Run]:
    """What makes a graph run up to a stage."""

    def as_it_is(graph: Any, _: Sequence[Any]) -> Run:
        if not isinstance(graph, GraphModule):
            return graph  # type: ignore[no-any-return]
        captured = Captured(graph)
        watched.graphs.append(captured)
        return lambda *inputs: captured.run([*inputs])

    if stage not in AHEAD_OF_TIME:
        return as_it_is
    # Loaded here, for the compiler takes seconds to load, which an arm that compiles nothing need not wait for.
    from torch._dynamo.backends.common import aot_autograd
    from torch._functorch.partitioners import min_cut_rematerialization_partition
    from torch._inductor.compile_fx import graph_returns_tuple, make_graph_return_tuple
    from torch._inductor.decomposition import select_decomp_table

    def kept(graph: GraphModule, _: Sequence[Any]) -> Run:
        captured = Captured(graph)
        watched.graphs.append(captured)

        def run(inputs: list[Any]) -> Any:
            given = [*inputs]
            inputs.clear()  # as the protocol has it
            return captured.run(given)

        run._boxed_call = True  # type: ignore[attr-defined]
        return run

    decompositions = select_decomp_table if stage == "aot_eager_decomp_partition" else None
    ahead = aot_autograd(
        fw_compiler=kept,
        bw_compiler=kept,
        decompositions=decompositions,
        partition_fn=min_cut_rematerialization_partition,
        keep_inference_input_mutations=True,
    )

    def backend(graph: GraphModule, inputs: list[Any]) -> Run:
        if graph_returns_tuple(graph):
            return ahead(graph, inputs)
        return make_graph_return_tuple(graph, inputs, ahead)

    return backend
