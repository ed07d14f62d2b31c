"""The rules by which other tools decide, applied to data that are collected as each tool's documentation says.

The code of pytest-benchmark is called, and that of pyperf where it is installed. The rule of asv is written down here, after
its `_stats.py` and `commands/compare.py` (asv 0.6).
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
from bench.results.scores.gate import Answer

ASV_P, ASV_FACTOR = 0.002, 1.1
ASV_EXACT = 20  # samples of a side up to which asv knows the exact distribution of U

Rule = Callable[[Sequence["ProcessRun"], Sequence["ProcessRun"]], Answer]


class ProcessRun(Struct, frozen=True, kw_only=True):
    """One process of one side: started, measured for a while and ended.

    began    seconds after the first process of its comparison
    seconds  wall time, with starting
    blocks   seconds of an update, one for each block, in the order they were timed
    """

    role: Role
    began: float
    seconds: float
    blocks: tuple[float, ...]


@dataclass(frozen=True)
class Sampling:
    """How data are collected within a budget.

    description  in a sentence
    order        of the sides; each entry has an equal share of the budget
    block        seconds of a timed block
    warm         seconds of updates that are discarded at the start of each process
    values       blocks of each process, with as many processes as fit; None: one process, with as many blocks as fit
    """

    name: str
    description: str
    order: tuple[Role, ...]
    block: float
    warm: float
    values: int | None


ONE_EACH = Sampling(
    "one process each", "the base in one process, then the head in another", ("base", "head"), 0.002, 0.0, None
)
INTERLEAVED = Sampling(
    "interleaved rounds",
    "two rounds as with --interleave-rounds: base, head, base, head, a process each; samples of 10 ms after 0.1 s of warm-up",
    ("base", "head", "base", "head"),
    0.010,
    0.1,
    None,
)
MANY = Sampling(
    "many processes",
    "as many processes as fit for the base, then for the head (by default 20); three values of 100 ms each after a dropped one",
    ("base", "head"),
    0.100,
    0.1,
    3,
)
SAMPLINGS = (ONE_EACH, INTERLEAVED, MANY)


@dataclass(frozen=True)
class OtherGate:
    """A gate that people use: which data it takes, and how it decides.

    rule    in a sentence
    decide  from the processes of the base and those of the head
    stored  whether the data of the base are those of an earlier session, as with a stored baseline
    """

    name: str
    rule: str
    sampling: Sampling
    decide: Rule
    stored: bool = False

    @property
    def collected(self) -> str:
        """How its data were collected, in a sentence."""
        stored = "the head in one process now, the base likewise in an earlier session"
        return stored if self.stored else self.sampling.description


def compare_fail(expression: str, base: Sequence[ProcessRun], head: Sequence[ProcessRun]) -> Answer:
    """The rule of pytest-benchmark's `--benchmark-compare-fail`, by its own code; it never answers "faster".

    expression  as on its command line: "mean:10%"
    """
    check = parse_compare_fail(expression)
    now, then = ({check.field: getattr(_stats(runs), check.field)} for runs in (head, base))
    return "slower" if check.fails(now, then) else "passed"


def _stats(runs: Sequence[ProcessRun]) -> Stats:
    """pytest-benchmark's statistics of one benchmark; what it calls a round is a block here."""
    stats = Stats()
    for seconds in pooled(runs):
        stats.update(seconds)
    return stats


def asv(base: Sequence[ProcessRun], head: Sequence[ProcessRun]) -> Answer:
    """The rule of `asv continuous`: medians differ by the factor, and a Mann-Whitney U test of all samples has p < 0.002.

    As in asv, the p value is exact up to 20 samples a side, then normal without corrections. (Where there are too few
    samples to reach it, asv compares intervals instead; a process has more.)
    """
    then, now = pooled(base), pooled(head)
    method: Literal["exact", "asymptotic"] = "exact" if max(len(then), len(now)) <= ASV_EXACT else "asymptotic"
    if mannwhitneyu(now, then, method=method, use_continuity=False).pvalue >= ASV_P:
        return "passed"
    if median(now) > median(then) * ASV_FACTOR:
        return "slower"
    return "faster" if median(now) < median(then) / ASV_FACTOR else "passed"


def pyperf(base: Sequence[ProcessRun], head: Sequence[ProcessRun]) -> Answer:
    """The rule of `pyperf compare_to`: a two-sample t test at 95 % over the values of all processes, by its own code.

    Its test needs the same number of values on both sides and calls anything else significant, so surplus values are left
    out.
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


def alert(threshold: float, base: Sequence[ProcessRun], head: Sequence[ProcessRun]) -> Answer:
    """The rule of a stored baseline: the head's mean exceeds the threshold times the stored mean; it never says "faster"."""
    return "slower" if fmean(pooled(head)) > threshold * fmean(pooled(base)) else "passed"


def pooled(runs: Sequence[ProcessRun]) -> list[float]:
    """The blocks of all processes together, as all of these tools take them."""
    return list(chain.from_iterable(run.blocks for run in runs))


OTHER_GATES = (
    OtherGate(
        "pytest-benchmark, mean:10%", "--benchmark-compare-fail=mean:10%", ONE_EACH, partial(compare_fail, "mean:10%")
    ),
    OtherGate("pytest-benchmark, min:5%", "--benchmark-compare-fail=min:5%", ONE_EACH, partial(compare_fail, "min:5%")),
    OtherGate(
        "asv continuous", "Mann-Whitney U, p < 0.002, and medians that differ by a factor of 1.1", INTERLEAVED, asv
    ),
    OtherGate("pyperf compare_to", "two-sample t test at 95 % over the values of all processes", MANY, pyperf),
    OtherGate(
        "stored baseline, 10 %", "the mean is 10 % above the stored one", ONE_EACH, partial(alert, 1.1), stored=True
    ),
    OtherGate(
        "stored baseline, 200 %",
        "the mean is twice the stored one: github-action-benchmark's default",
        ONE_EACH,
        partial(alert, 2.0),
        stored=True,
    ),
)
