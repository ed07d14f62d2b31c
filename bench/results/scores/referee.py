"""How often the referee of steps and other rules were right about the same answers, as it is published."""

from typing import Literal

from msgspec import Struct

from bench.results.record import Answer, Power

FORMAT = 1

OURS = "looprace"
Kind = Literal["mutant", "legal"]


class Judgement(Struct, frozen=True, kw_only=True):
    """What the referee and the other rules said of one variation of a step.

    kind      whether the variation is a mistake, or another way to compute the same
    recipe    rewrites below it
    random    whether it draws other random numbers than the step
    change    the largest difference from the plain step, both in float64, relative to the largest tensor of its kind
    reason    why it was not judged; empty where it was
    passed    of each other rule, whether it calls the answer equal
    seconds   of the referee, without truth and ensemble, and of each other rule, by name
    """

    step: str
    seed: int
    variation: str
    kind: Kind
    recipe: str
    random: bool = False
    answer: Answer | None = None
    change: float | None = None
    reason: str = ""
    passed: dict[str, bool] = {}
    seconds: dict[str, float] = {}


class Paper(Struct, frozen=True, kw_only=True):
    """All judgements of a step at a seed.

    members  of the ensemble
    seconds  for the truth and the ensembles
    rules    the other rules: how each decides, by name
    power    what the referee would notice of this step, in float64, where there is one, and in float32
    machine  in words
    versions of Python and of the packages that matter
    """

    format: int = FORMAT
    step: str
    seed: int
    members: int
    seconds: float
    rules: dict[str, str]
    power: dict[str, Power]
    machine: str
    versions: dict[str, str]
    judgements: tuple[Judgement, ...]


class Method(Struct, frozen=True, kw_only=True):
    """How often one rule was right.

    missed    mutants that it calls equal
    refused   legal variations that it does not call equal
    seconds   median for an answer, without making its updates
    """

    name: str
    text: str
    missed: int
    mutants: int
    refused: int
    legal: int
    seconds: float


class Mark(Struct, frozen=True, kw_only=True):
    """Where a variation of a step stands.

    bits    lost in float64, by the worst tensor or along its own direction, whichever is more; None where it draws other
            random numbers there, too
    missed  the methods that call a mutant equal; of a legal variation those that refuse it
    """

    step: str
    seed: int
    variation: str
    kind: Kind
    change: float
    bits: float | None
    missed: tuple[str, ...]


class Score(Struct, frozen=True, kw_only=True):
    """The referee and other rules before the same answers, the referee first.

    members     of the ensemble
    prepared    median seconds for truth and ensembles of a step
    methods     over all mutants that change an update by more than a millionth, and all legal variations
    marks       of all of these
    small       mutants that change less: how many, and how many of them the referee found
    identical   legal variations whose answers equal the plain step's to the bit
    unjudged    those of which the referee could say nothing
    coarser     of arms in bfloat16: mutants, those found, legal ones, those called coarser
    random      of variations that draw other random numbers: mutants, those found, legal ones, those refused
    power       what the referee would notice of each step, by the dtype that it looks at
    machine     in words
    versions    of Python and of the packages that matter
    """

    format: int = FORMAT
    members: int
    prepared: float
    methods: tuple[Method, ...]
    marks: tuple[Mark, ...]
    small: tuple[int, int]
    identical: int
    unjudged: int
    coarser: tuple[int, int, int, int]
    random: tuple[int, int, int, int]
    power: dict[str, dict[str, Power]]
    machine: str
    versions: dict[str, str]


def worst(score: Score, kind: Kind) -> tuple[float, str]:
    """The most bits that a legal variation loses in float64, or the fewest that a mutant does, and which that is."""
    known = [
        (mark.bits, f"{mark.variation} of {mark.step}")
        for mark in score.marks
        if mark.kind == kind and mark.bits is not None
    ]
    return (max if kind == "legal" else min)(known)
