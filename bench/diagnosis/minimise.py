"""Makes a program that is compiled wrongly as small as it still is. Loads torch."""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bench import clock
from bench.diagnosis.program import SEED, Operation, Program

CANDIDATES = 3  # results, at most, that are tried to be shown alone
PASSES = 3  # over all operations, at most: what could not be left out may be, once others are

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Trial:
    """Compiles programs and compares what comes out with what they compute uncompiled, until the time is over.

    backend   of torch.compile, by its name
    deadline  by the clock
    """

    backend: str
    deadline: float

    @property
    def over(self) -> bool:
        """Whether the time is over."""
        return clock.now() > self.deadline

    def differences(self, program: Program, inputs: Values, *, short: bool = False) -> list[float]:
        """For each result, how far the compiled one is off, relative to its size; 0 where it cannot be compiled."""
        given = [inputs[name] for name in program.inputs]
        try:
            function = program.function(short=short)
            torch._dynamo.reset()
            compiled = torch.compile(function, backend=self.backend, dynamic=False, **self._options(program))
            return [_difference(*pair) for pair in zip(_run(compiled, given), _run(function, given), strict=True)]
        except Exception:  # noqa: BLE001 - a part that does not run by itself shows nothing
            return [0.0 for _ in program.results]

    def is_wrong(self, program: Program, inputs: Values, *, short: bool = False) -> bool:
        """Whether a result is off by more than rounding explains. Nothing is, once the time is over."""
        if self.over or not program.operations:
            return False
        return max(self.differences(program, inputs, short=short)) > limit_of(program, inputs)

    def _options(self, program: Program) -> dict[str, Any]:
        return {"options": {"fallback_random": True}} if program.draws and self.backend == "inductor" else {}


def limit_of(program: Program, inputs: Values) -> float:
    """The relative difference from which on it is no rounding: the root of the unit in the last place."""
    dtypes = [
        one.dtype for name in program.inputs if isinstance(one := inputs[name], Tensor) and one.is_floating_point()
    ]
    return math.sqrt(max((torch.finfo(dtype).eps for dtype in dtypes), default=torch.finfo(torch.float32).eps))


def minimised(program: Program, values: Values, trial: Trial, shapes: Collection[torch.Size] = ()) -> Program | None:
    """The smallest part found of a program that is compiled wrongly by itself; None where none is.

    values  of everything in the program, which become inputs of its parts
    shapes  of what is known to be wrong; results of these shapes are tried first
    """
    likely = [name for name in program.results if values[name].shape in shapes]
    for name in likely[:CANDIDATES] or _wrong_results(program, values, trial)[:CANDIDATES]:
        if found := _ending_in(program, name, values, trial):
            return _smaller(found, values, trial)
    return None


def _wrong_results(program: Program, values: Values, trial: Trial) -> list[str]:
    """The results that are wrong when everything is compiled together, which takes long."""
    if trial.over:
        return []
    differences = trial.differences(program, values)
    return [name for name, off in zip(program.results, differences, strict=True) if off > limit_of(program, values)]


def _ending_in(program: Program, name: str, values: Values, trial: Trial) -> Program | None:
    """The fewest last operations before a result that make it wrong; None where all of them together do not."""
    alone = Program(program.operations, (name,)).needed()
    most = len(alone.operations)

    def last(count: int) -> Program:
        return alone.without({one.name for one in alone.operations[: most - count]})

    return _least(most, last, lambda candidate: trial.is_wrong(candidate, values))


def _least(most: int, part: Callable[[int], Program], wrong: Callable[[Program], bool]) -> Program | None:
    """The wrong part with the least count, by doubling, as small ones are compiled soon, then by halving; or None."""
    low, count, found = 0, 2, None
    while found is None and low < most:
        count = min(count, most)
        candidate = part(count)
        if wrong(candidate):
            found = candidate
        else:
            low, count = count, 2 * count
    while found is not None and low + 1 < count:
        middle = (low + count) // 2
        candidate = part(middle)
        if wrong(candidate):
            count, found = middle, candidate
        else:
            low = middle
    return found


def _smaller(program: Program, values: Values, trial: Trial) -> Program:
    """Ends it earlier, then leaves out one operation after the other, as long as it is still wrong."""

    def first(count: int) -> Program:
        return Program(program.operations, (program.operations[count - 1].name,)).needed()

    program = _least(len(program.operations), first, lambda candidate: trial.is_wrong(candidate, values)) or program
    for _ in range(PASSES):
        before = program
        for name in [one.name for one in reversed(program.operations)]:
            operation = next((one for one in program.operations if one.name == name), None)
            candidates = _shorter(program, operation, values) if operation else ()
            program = next((one for one in candidates if trial.is_wrong(one, values)), program)
        if program == before:
            break
    return program


def _shorter(program: Program, operation: Operation, values: Values) -> list[Program]:
    """The program without an operation: an equal value in its place, its own value given, or of the last one, what it reads."""
    own = values[operation.name]
    if not isinstance(own, Tensor):
        return []
    before = [*program.inputs, *(one.name for one in program.operations[: program.operations.index(operation)])]
    equal = [name for name in before if isinstance(one := values[name], Tensor) and _same(one, own)]
    candidates = [program.with_instead(operation.name, name) for name in equal]
    if operation.name in program.results:
        made = {one.name for one in program.operations}
        candidates += [Program(program.operations, (name,)).needed() for name in operation.reads if name in made]
    else:
        candidates.append(program.without({operation.name}))
    return [candidate for candidate in candidates if isinstance(values[candidate.results[0]], Tensor)]


def _same(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype and torch.equal(one, other)


def _run(function: Any, inputs: list[Any]) -> list[Tensor]:
    torch.manual_seed(SEED)
    with torch.no_grad():
        returned = function(*[one.clone() if isinstance(one, Tensor) else one for one in inputs])
    return list(returned) if isinstance(returned, tuple | list) else [returned]


def _difference(one: Tensor, other: Tensor) -> float:
    """The norm of the difference, relative to what it should be; where both are not finite nothing is compared."""
    if one.shape != other.shape:
        return float("inf")
    finite = other.isfinite()
    off, size = float((one - other)[finite].double().norm()), float(other[finite].double().norm())
    return off / size if size else off
