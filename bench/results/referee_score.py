"""How often the referee of steps and other rules were right about the same answers, as it is published."""

from typing import Literal

from msgspec import Struct

from bench.results.record import Answer

FORMAT = 1

Kind = Literal["mutant", "legal"]


class Judgement(Struct, frozen=True, kw_only=True):
    """What the referee and the other rules said of one variation of a step.

    kind      whether the variation is a mistake, or another way to compute the same
    recipe    rewrites below it
    change    the largest difference from the plain step, both in float64, relative to the largest tensor of its kind
    reason    why it was not judged; empty where it was
    passed    of each other rule, whether it calls the answer equal
    seconds   of the referee, without truth and ensemble
    """

    step: str
    seed: int
    variation: str
    kind: Kind
    recipe: str
    answer: Answer | None = None
    change: float | None = None
    reason: str = ""
    passed: dict[str, bool] = {}
    seconds: float = 0.0


class Paper(Struct, frozen=True, kw_only=True):
    """All judgements of a step at a seed.

    members  of the ensemble
    seconds  for the truth and the ensembles
    rules    the other rules: how each decides, by name
    """

    format: int = FORMAT
    step: str
    seed: int
    members: int
    seconds: float
    rules: dict[str, str]
    judgements: tuple[Judgement, ...]
