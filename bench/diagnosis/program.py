"""A few operations as a program: made from a graph, run with or without the compiler, printed as code. Loads torch."""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, fx
from torch._ops import OpOverload

SEED = 0  # of what a program draws, and of inputs that are drawn
DRAWING = ("rand", "dropout", "bernoulli", "normal", "multinomial", "attention")  # in the names of what may draw
FEW = 8  # numbers, at most, of an input that is written out
PLACES = {
    "torch": torch,
    "torch.nn.functional": torch.nn.functional,
    "operator": operator,
}  # where functions are public
SIGNS = {
    operator.add: "+",
    operator.sub: "-",
    operator.mul: "*",
    operator.truediv: "/",
    operator.pow: "**",
    operator.matmul: "@",
}


class Unprintable(Exception):
    """A graph has no plain operation on tensors."""


@dataclass(frozen=True)
class Name:
    """What an argument stands for: the value of this name."""

    text: str


@dataclass(frozen=True)
class Operation:
    """One line of a program: the value `name` is what `target` returns; Names stand for values in its arguments.

    target  a function, or the name of a method of the first argument
    """

    name: str
    target: Any
    arguments: tuple[Any, ...]
    named: Mapping[str, Any]

    @property
    def reads(self) -> list[str]:
        """The values that it reads, in their order."""
        found: list[str] = []
        fx.node.map_aggregate((self.arguments, dict(self.named)), lambda one: _note(one, found))
        return found

    @property
    def function(self) -> Callable[..., Any]:
        """What is called with the arguments."""
        return methodcaller_of(self.target) if isinstance(self.target, str) else self.target

    def code(self, short: bool) -> str:
        """The line: "b = torch.mm(a, c)", or with the operation's whole name."""
        arguments = [_shown(one) for one in self.arguments]
        if self.target is operator.getitem:
            return f"{self.name} = {arguments[0]}[{arguments[1]}]"
        if self.target in SIGNS and not self.named:
            return f"{self.name} = {arguments[0]} {SIGNS[self.target]} {arguments[1]}"
        function = _function(self.target, short)
        if isinstance(self.target, str):
            function = f"{arguments.pop(0)}.{self.target}"
        arguments += [f"{name}={_shown(value)}" for name, value in self.named.items()]
        return f"{self.name} = {function}({', '.join(arguments)})"


@dataclass(frozen=True)
class Program:
    """Operations in order, and which of their values are the results. What is read and not made is an input."""

    operations: tuple[Operation, ...]
    results: tuple[str, ...]

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the inputs, in the order in which they are read."""
        made = {operation.name for operation in self.operations}
        read = [name for operation in self.operations for name in operation.reads]
        return tuple(dict.fromkeys(name for name in [*read, *self.results] if name not in made))

    @property
    def draws(self) -> bool:
        """Whether an operation draws random numbers, or may do so."""
        return any(
            torch.Tag.nondeterministic_seeded in one.target.tags
            if isinstance(one.target, OpOverload)
            else any(word in getattr(one.target, "__name__", str(one.target)) for word in DRAWING)
            for one in self.operations
        )

    def needed(self) -> "Program":
        """The same program without the operations that its results do not need."""
        wanted, kept = set(self.results), []
        for operation in reversed(self.operations):
            if operation.name in wanted:
                kept.append(operation)
                wanted.update(operation.reads)
        return replace(self, operations=tuple(reversed(kept)))

    def without(self, names: set[str]) -> "Program":
        """The same program with these values as inputs. What picks a part of one of them becomes an input in its place."""
        kept = []
        for operation in self.operations:
            if operation.name in names or (operation.target is operator.getitem and operation.reads[0] in names):
                names = names | {operation.name}
            else:
                kept.append(operation)
        return Program(tuple(kept), self.results).needed()

    def with_instead(self, name: str, other: str) -> "Program":
        """The same program with one value in the place of another, which is not made any more."""
        kept = tuple(operation for operation in self.operations if operation.name != name)
        return Program(kept, self.results).renamed({name: other}).needed()

    def renamed(self, names: Mapping[str, str]) -> "Program":
        """The same program with other names for its values."""

        def new(one: Any) -> Any:
            return Name(names.get(one.text, one.text)) if isinstance(one, Name) else one

        changed = []
        for one in self.operations:
            arguments, named = fx.node.map_aggregate((one.arguments, dict(one.named)), new)
            changed.append(Operation(names.get(one.name, one.name), one.target, arguments, named))
        return Program(tuple(changed), tuple(names.get(name, name) for name in self.results))

    def code(self, *, short: bool = True) -> str:
        """The program as a function `f` of its inputs."""
        lines = [operation.code(short) for operation in self.operations]
        last = ", ".join(self.results)
        if len(self.results) == 1 and lines and lines[-1].startswith(f"{last} = "):
            last = lines.pop().removeprefix(f"{last} = ")
        return "\n".join(
            [f"def f({', '.join(self.inputs)}):", *(f"    {line}" for line in [*lines, f"return {last}"]), ""]
        )

    def function(self, *, short: bool = True) -> Any:
        """The program, ready to be called; it returns a tensor, or a tuple of several."""
        space: dict[str, Any] = {
            "torch": torch,
            "operator": operator,
            "inf": math.inf,
            "nan": math.nan,
            "device": torch.device,
        }
        exec(self.code(short=short), space)  # noqa: S102 - this project's own lines
        return space["f"]


def of_graph(graph: fx.GraphModule, inputs: Sequence[Any]) -> tuple[Program, dict[str, Any]]:
    """A graph as a program, and each of its values at these inputs, contiguous. In-place copies at its end are results.

    The program ends before the first operation that is no plain function of tensors, such as one that writes in place;
    what the rest reads is a result then. Raises Unprintable where it would be empty.
    """
    values: dict[str, Any] = {}
    operations: list[Operation] = []
    results: list[str] = []
    given, ended = iter(inputs), False
    torch.manual_seed(SEED)

    def name_of(one: Any) -> Any:
        return Name(one.name) if isinstance(one, fx.Node) else one

    def value_of(one: Any) -> Any:
        return values[one.name] if isinstance(one, fx.Node) else one

    for node in graph.graph.nodes:
        arguments, named = fx.node.map_aggregate((tuple(node.args), dict(node.kwargs)), name_of)
        if node.op == "placeholder":
            values[node.name] = _copied(next(given))
        elif node.op == "get_attr" and isinstance(getattr(graph, node.target, None), Tensor):
            values[node.name] = getattr(graph, node.target).detach().clone()
        elif node.op == "call_function" and node.target is torch.ops.aten.copy_.default and not ended:
            results.append(node.args[1].name)
            values[node.name] = values[node.args[0].name]
        elif ended or node.op == "output" or not _is_plain(node):
            ended = True
            fx.node.map_aggregate((arguments, named), lambda one: _note(one, results))
        else:
            operation = Operation(node.name, node.target, arguments, named)
            call_args, call_named = fx.node.map_aggregate((tuple(node.args), dict(node.kwargs)), value_of)
            with torch.no_grad():
                values[node.name] = _copied(operation.function(*call_args, **call_named))
            operations.append(operation)
    made = {operation.name for operation in operations}
    floating = [
        name
        for name in dict.fromkeys(results)
        if name in made and isinstance(values[name], Tensor) and values[name].is_floating_point()
    ]
    if not floating:
        raise Unprintable
    program = Program(tuple(operations), tuple(sorted(floating, key=list(values).index))).needed()
    return program, {name: _copied(value, torch.contiguous_format) for name, value in values.items()}


def _is_plain(node: fx.Node) -> bool:
    """Whether a node computes from tensors, and neither writes in place nor changes how others compute."""
    if node.op == "call_method":
        return not str(node.target).endswith("_")
    if node.op != "call_function":
        return False
    if isinstance(node.target, OpOverload):
        return not node.target._schema.is_mutable
    name = getattr(node.target, "__name__", "_")
    return not name.endswith("_") and _place(node.target) != ""


def _copied(value: Any, layout: torch.memory_format = torch.preserve_format) -> Any:
    """A copy of tensors, alone or in lists."""

    def copied(one: Any) -> Any:
        return one.detach().clone(memory_format=layout) if isinstance(one, Tensor) else one

    return fx.node.map_aggregate(value, copied)


def _note(one: Any, found: list[str]) -> Any:
    if isinstance(one, Name):
        found.append(one.text)
    return one


def _shown(value: Any) -> str:
    """An argument as code."""
    if isinstance(value, Name):
        return value.text
    if isinstance(value, list | tuple):
        inside = ", ".join(_shown(one) for one in value)
        return f"({inside},)" if isinstance(value, tuple) else f"[{inside}]"
    if isinstance(value, torch.device):
        return f"torch.device({str(value)!r})"
    return repr(value)


def methodcaller_of(method: str) -> Callable[..., Any]:
    """A function that calls this method of its first argument."""
    return lambda owner, *arguments, **named: getattr(owner, method)(*arguments, **named)


def _place(target: Any) -> str:
    """How a function that is no operation of aten is called; "" where it has no public name."""
    name = getattr(target, "__name__", "")
    for place, module in PLACES.items():
        if getattr(module, name, None) is target:
            return f"{place}.{name}"
    return ""


def _function(target: Any, short: bool) -> str:
    """How an operation is called: "torch.mm" where torch has it by that name, else "torch.ops.aten.mm.default"."""
    if not isinstance(target, OpOverload):
        return _place(target)
    name = target._schema.name.partition("::")[2]
    if short and target.namespace == "aten" and callable(getattr(torch, name, None)) and not name.startswith("_"):
        return f"torch.{name}"
    return f"torch.ops.{target}"
