"""A few operations as a program: made from a graph, run with or without the compiler, printed as code. Loads torch."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import getitem
from typing import Any

import torch
from torch import Tensor, fx
from torch._ops import OpOverload

SEED = 0  # of what a program draws, and of inputs that are drawn
FEW = 8  # numbers, at most, of an input that is written out


class Unprintable(Exception):
    """A graph has something that is no plain operation on tensors; the message names it."""


@dataclass(frozen=True)
class Name:
    """What an argument stands for: the value of this name."""

    text: str


@dataclass(frozen=True)
class Operation:
    """One line of a program: the value `name` is what `target` returns; Names stand for values in its arguments."""

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

    def code(self, short: bool) -> str:
        """The line: "b = torch.mm(a, c)", or with the operation's whole name."""
        if self.target is getitem:
            return f"{self.name} = {_shown(self.arguments[0])}[{self.arguments[1]}]"
        arguments = [_shown(one) for one in self.arguments] + [f"{k}={_shown(v)}" for k, v in self.named.items()]
        return f"{self.name} = {_function(self.target, short)}({', '.join(arguments)})"


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
        """Whether an operation draws random numbers."""
        return any(torch.Tag.nondeterministic_seeded in getattr(one.target, "tags", ()) for one in self.operations)

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
            if operation.name in names or (operation.target is getitem and operation.reads[0] in names):
                names = names | {operation.name}
            else:
                kept.append(operation)
        return Program(tuple(kept), self.results).needed()

    def renamed(self, names: Mapping[str, str]) -> "Program":
        """The same program with other names for some values; an operation whose value gets another's name is left out."""

        def new(one: Any) -> Any:
            return Name(names.get(one.text, one.text)) if isinstance(one, Name) else one

        made: set[str] = set()
        changed = []
        for one in self.operations:
            name = names.get(one.name, one.name)
            arguments, named = fx.node.map_aggregate((one.arguments, dict(one.named)), new)
            if name not in made and not (name != one.name and name in self.inputs):
                changed.append(Operation(name, one.target, arguments, named))
                made.add(name)
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
        space: dict[str, Any] = {"torch": torch, "inf": math.inf, "nan": math.nan, "device": torch.device}
        exec(self.code(short=short), space)  # noqa: S102 - this project's own lines
        return space["f"]


def of_graph(graph: fx.GraphModule, inputs: Sequence[Any]) -> tuple[Program, dict[str, Any]]:
    """A graph without autograd as a program, and each of its values at these inputs; in-place copies at its end are results.

    Raises Unprintable.
    """
    values: dict[str, Any] = {}
    operations: list[Operation] = []
    results: list[str] = []
    given = iter(inputs)
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
        elif node.op == "output":
            fx.node.map_aggregate(arguments, lambda one: _note(one, results))
        elif node.op == "call_function" and node.target is torch.ops.aten.copy_.default:
            results.append(node.args[1].name)
            values[node.name] = values[node.args[0].name]
        elif node.op == "call_function" and (isinstance(node.target, OpOverload) or node.target is getitem):
            call_args, call_named = fx.node.map_aggregate((tuple(node.args), dict(node.kwargs)), value_of)
            with torch.no_grad():
                values[node.name] = _copied(node.target(*call_args, **call_named))
            operations.append(Operation(node.name, node.target, arguments, named))
        else:
            raise Unprintable(f"{node.op} {node.target}")
    made = {operation.name for operation in operations}
    floating = [
        name
        for name in dict.fromkeys(results)
        if name in made and isinstance(values[name], Tensor) and values[name].is_floating_point()
    ]
    return Program(tuple(operations), tuple(sorted(floating, key=list(values).index))).needed(), values


def _copied(value: Any) -> Any:
    """A copy of tensors, alone or in lists."""
    return fx.node.map_aggregate(value, lambda one: one.detach().clone() if isinstance(one, Tensor) else one)


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
        return f"[{inside}]"
    if isinstance(value, torch.device):
        return f"torch.device({str(value)!r})"
    return repr(value)


def _function(target: OpOverload, short: bool) -> str:
    """How an operation is called: "torch.mm" where torch has it by that name, else "torch.ops.aten.mm.default"."""
    name = target._schema.name.partition("::")[2]
    if short and target.namespace == "aten" and callable(getattr(torch, name, None)) and not name.startswith("_"):
        return f"torch.{name}"
    return f"torch.ops.{target}"
