"""How well the order of arms repeats, in looprace and in other tools: what each sitting found, and what that comes to."""

import math
from collections.abc import Sequence
from itertools import combinations
from statistics import median

from msgspec import Struct

FORMAT = 1


class Sitting(Struct, frozen=True, kw_only=True):
    """One run of one tool over all arms.

    took     wall time, in seconds, with starting
    seconds  of an update, by arm
    ranks    by arm, where the tool says which arms it cannot tell apart: these share one; empty where it does not say
    """

    tool: str
    number: int
    took: float
    seconds: dict[str, float]
    ranks: dict[str, int]


class Series(Struct, frozen=True, kw_only=True):
    """All sittings.

    ways  how each tool measured, in a sentence
    """

    format: int = FORMAT
    machine: str
    versions: dict[str, str]
    reference: str
    ways: dict[str, str]
    sittings: tuple[Sitting, ...]


class Steadiness(Struct, frozen=True, kw_only=True):
    """How well one tool repeats.

    took     median wall time of a sitting, in seconds
    pairs    of arms
    swapped  pairs of which one arm was faster in one sitting and the other in another
    told     pairs that were called different, one way in one sitting and the other way in another; None: it calls nothing so
    usual    median over arms and pairs of sittings of how far apart two ratios to the reference are: 0.01 is 1 %
    worst    the most of it
    """

    tool: str
    way: str
    sittings: int
    took: float
    pairs: int
    swapped: int
    told: int | None
    usual: float
    worst: float


def steadiness(series: Series) -> list[Steadiness]:
    """The tools in the order of `ways`, those without a sitting left out."""
    by_tool = {tool: [one for one in series.sittings if one.tool == tool] for tool in series.ways}
    return [_of_tool(series, tool, sittings) for tool, sittings in by_tool.items() if sittings]


def _of_tool(series: Series, tool: str, sittings: Sequence[Sitting]) -> Steadiness:
    arms = sorted(sittings[0].seconds)
    pairs = list(combinations(arms, 2))
    ratios = {arm: [math.log(one.seconds[arm] / one.seconds[series.reference]) for one in sittings] for arm in arms}
    apart = [
        math.expm1(abs(one - other))
        for arm, logarithms in ratios.items()
        if arm != series.reference
        for one, other in combinations(logarithms, 2)
    ]
    calls = all(one.ranks for one in sittings)
    return Steadiness(
        tool=tool,
        way=series.ways[tool],
        sittings=len(sittings),
        took=median(one.took for one in sittings),
        pairs=len(pairs),
        swapped=sum(_both_ways([one.seconds for one in sittings], *pair) for pair in pairs),
        told=sum(_both_ways([one.ranks for one in sittings], *pair) for pair in pairs) if calls else None,
        usual=median(apart) if apart else 0.0,
        worst=max(apart, default=0.0),
    )


def _both_ways(values: Sequence[dict[str, float]] | Sequence[dict[str, int]], one: str, other: str) -> bool:
    """Whether the first comes before the second in one of them, and after it in another."""
    return any(each[one] < each[other] for each in values) and any(each[one] > each[other] for each in values)
