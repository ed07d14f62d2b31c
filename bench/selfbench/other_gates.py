"""The rules by which other tools gate, each applied to data collected the way its own documentation says.

Apart from the sitting, so that a rule can be tried on data whose truth is known. What is a tool's own code is called, not
copied: of pytest-benchmark, and of pyperf where it is installed. asv's rule is written down here, by its `_stats.py`
and `commands/compare.py` (asv 0.6).
"""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from statistics import fmean, median
from types import ModuleType
from typing import Literal

from msgspec import Struct
from pytest_benchmark.stats import Stats
from pytest_benchmark.utils import parse_compare_fail
from scipy.stats import mannwhitneyu

from bench.results.gate import Role
from bench.results.gate_score import Answer

ASV_P, ASV_FACTOR = 0.002, 1.1
ASV_EXACT = 20  # samples of a side up to which asv knows the exact distribution of U

Rule = Callable[[Sequence["Turn"], Sequence["Turn"]], Answer]


class Turn(Struct, frozen=True, kw_only=True):
    """One process of one side, started, measured for a while and ended.

    began    seconds after the first turn of its comparison
    seconds  wall time, with starting
    blocks   seconds an update, one for each block, in the order they were timed
    """

    role: Role
    began: float
    seconds: float
    blocks: tuple[float, ...]


@dataclass(frozen=True)
class Way:
    """How data are collected within a budget.

    said    in a sentence
    order   of the turns, each of which has an equal share of the budget
    block   seconds of a timed block
    warm    seconds of updates that are thrown away at the start of each process
    values  blocks of each process, of which a turn then has as many as fit; None: one process, as many blocks as fit
    """

    name: str
    said: str
    order: tuple[Role, ...]
    block: float
    warm: float
    values: int | None


ONE_EACH = Way(
    "one process each", "the base in one process, then the head in another", ("base", "head"), 0.002, 0.0, None
)
INTERLEAVED = Way(
    "interleaved rounds",
    "two rounds as with --interleave-rounds: base, head, base, head, a process each; samples of 10 ms after 0.1 s of warm-up",
    ("base", "head", "base", "head"),
    0.010,
    0.1,
    None,
)
MANY = Way(
    "many processes",
    "as many processes as fit for the base, then for the head (by default 20); three values of 100 ms each after a dropped one",
    ("base", "head"),
    0.100,
    0.1,
    3,
)
WAYS = (ONE_EACH, INTERLEAVED, MANY)


@dataclass(frozen=True)
class Rival:
    """A gate that people use: what it looks at, and how it decides.

    decide  from the turns of the base and those of the head
    stored  whether the base's turns are those of an earlier session, as from a stored result
    """

    name: str
    rule: str
    way: Way
    decide: Rule
    stored: bool = False

    @property
    def told(self) -> str:
        """How its data were collected, in a sentence."""
        return "the head in one process now, the base so in an earlier session" if self.stored else self.way.said


def compare_fail(expression: str, base: Sequence[Turn], head: Sequence[Turn]) -> Answer:
    """pytest-benchmark's `--benchmark-compare-fail`, by its own code; it never calls anything faster.

    expression  as on its command line: "mean:10%"
    """
    check = parse_compare_fail(expression)
    now, then = ({check.field: getattr(_stats(turns), check.field)} for turns in (head, base))
    return "slower" if check.fails(now, then) else "passed"


def _stats(turns: Sequence[Turn]) -> Stats:
    """What pytest-benchmark knows of one benchmark; a round of theirs is a block."""
    found = Stats()
    for seconds in pooled(turns):
        found.update(seconds)
    return found


def asv(base: Sequence[Turn], head: Sequence[Turn]) -> Answer:
    """`asv continuous`: the medians differ by the factor, and a Mann-Whitney U test over all samples has p < 0.002.

    As in asv, the p value is exact up to 20 samples a side, then normal without corrections. (Where so few samples
    cannot reach it, asv compares intervals instead; a turn has more.)
    """
    then, now = pooled(base), pooled(head)
    method: Literal["exact", "asymptotic"] = "exact" if max(len(then), len(now)) <= ASV_EXACT else "asymptotic"
    if mannwhitneyu(now, then, method=method, use_continuity=False).pvalue >= ASV_P:
        return "passed"
    if median(now) > median(then) * ASV_FACTOR:
        return "slower"
    return "faster" if median(now) < median(then) / ASV_FACTOR else "passed"


def pyperf(base: Sequence[Turn], head: Sequence[Turn]) -> Answer:
    """`pyperf compare_to`: Student's two-sample t test at 95 %, over the values of all processes, by pyperf's own code.

    Its test wants equally many values, and calls everything else significant; so what one side has more is left out.
    """
    then, now = pooled(base), pooled(head)
    few = min(len(then), len(now))
    significant, _ = _own("pyperf._utils").is_significant(then[:few], now[:few])
    if not significant:
        return "passed"
    return "slower" if fmean(now[:few]) > fmean(then[:few]) else "faster"


def _own(module: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"pyperf decides by its own code and is not installed: pip install pyperf ({error})."
        ) from error


def alert(threshold: float, base: Sequence[Turn], head: Sequence[Turn]) -> Answer:
    """A stored baseline: the head's mean over the stored one's is above the threshold; nothing is ever called faster."""
    return "slower" if fmean(pooled(head)) > threshold * fmean(pooled(base)) else "passed"


def pooled(turns: Sequence[Turn]) -> list[float]:
    """The blocks of all turns, whatever process they come from: so all of these tools do."""
    return list(chain.from_iterable(turn.blocks for turn in turns))


RIVALS = (
    Rival(
        "pytest-benchmark, mean:10%", "--benchmark-compare-fail=mean:10%", ONE_EACH, partial(compare_fail, "mean:10%")
    ),
    Rival("pytest-benchmark, min:5%", "--benchmark-compare-fail=min:5%", ONE_EACH, partial(compare_fail, "min:5%")),
    Rival("asv continuous", "Mann-Whitney U, p < 0.002, and medians that differ by a factor of 1.1", INTERLEAVED, asv),
    Rival("pyperf compare_to", "two-sample t test at 95 % over the values of all processes", MANY, pyperf),
    Rival("stored baseline, 10 %", "the mean is 10 % above the stored one", ONE_EACH, partial(alert, 1.1), stored=True),
    Rival(
        "stored baseline, 200 %",
        "the mean is twice the stored one: github-action-benchmark's default",
        ONE_EACH,
        partial(alert, 2.0),
        stored=True,
    ),
)
