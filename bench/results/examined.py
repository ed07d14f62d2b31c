"""What was found out about a step before it was raced: an immutable value, kept beside its race."""

from typing import Literal

from msgspec import Struct

from bench.results.record import Caveat
from impls.contract.values import ParameterValue


class Applicable(Struct, frozen=True, kw_only=True):
    """Whether a rewrite applies to a step; if not, why not, in a sentence."""

    name: str
    applies: bool
    reason: str = ""
    numerics: Literal["same", "coarser"] = "same"


class Examined(Struct, frozen=True, kw_only=True):
    """What a step is like.

    step         its name: "steps/digits_mlp", "my_step.py"
    summary      the first line of its file
    parameters   with the values it was examined at
    repeatable   whether two builds with the same seed were equal to the bit
    draws        whether an update draws random numbers
    float64      whether it runs in float64, which decides about answers
    evaluations  of the loss in one update
    numbers      trainable numbers in its parameters
    findings     sentences with what to do about them
    rewrites     every rewrite, in the order in which they are stacked
    seconds      spent on truth and ensemble
    """

    format: int = 1
    step: str
    summary: str
    parameters: dict[str, ParameterValue]
    repeatable: bool
    draws: bool
    float64: bool
    evaluations: int = 1
    numbers: int = 0
    findings: tuple[Caveat, ...] = ()
    rewrites: tuple[Applicable, ...] = ()
    seconds: float = 0.0
