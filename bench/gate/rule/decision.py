"""The rule of the gate: what the rounds of a cell allow to be said.

The value of a round is ln(head / base): above 0 the head is slower. At every look (`alpha_spending.LOOKS`) Student's t over
rounds answers two questions: is the mean above the floor, and is it below the gate? A cell that the screening flags is raced
again. It is called a regression only when the fresh rounds confirm it.

Assumptions: rounds are independent; their noise is symmetric, which the random order and the exchanged copies of the two
sides provide; and the machine favours a side by no more than the floor.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Literal

import numpy as np
from scipy.special import stdtr

from bench.gate.rule import power
from bench.gate.rule.alpha_spending import ALPHA, HORIZON, Values, level, looks
from bench.results.gate import Clocked, Margins, Stage
from bench.results.statistics import estimate

BIAS, BY_CHANCE = (
    0.01,
    0.01,
)  # controls are off when they differ by more than the first, with a p value below the second
FIXED_LEVEL = 0.96  # nominal level of the intervals stated as 95 %: stopping at a look costs about 1 % of coverage
FEWEST_CONTROLS = 6  # rounds of all controls together

Word = Literal["regressed", "ok", "improved", "unresolved"]
Rounds = Sequence[float]


@dataclass(frozen=True)
class Decision:
    """What the rounds so far allow to be said, and what is raced next.

    word      regressed: both stages show it slower than the floor, and the mean is the gate or more; ok: a slowdown of the
              gate or more is excluded; improved: ok, and faster by more than the floor with the same certainty; else
              unresolved
    stage     the stage that needs another round; None when the cell is decided or no round is left
    clocked   the change by the rounds that count: the confirmation's where there are any; None without a round
    screened  the change by the screening, where the confirmation has rounds
    margins   the margins it was decided by
    most      the rounds that each stage may have
    share     of the arm's false alarms that this decision may spend
    """

    word: Word
    stage: Stage | None
    clocked: Clocked | None
    screened: Clocked | None
    margins: Margins
    most: int
    share: float = 1.0

    @cached_property
    def rounds_to_resolve(self) -> int | None:
        """An estimate of the further rounds that decide an unresolved cell, beyond `most` too; None where there is none."""
        if self.word != "unresolved" or self.clocked is None:
            return None
        confirmed = self.clocked if self.screened else None
        flagged = confirmed is not None or self.stage == "confirm"
        first = self.screened or self.clocked
        return power.rounds_to_resolve(first, confirmed, self.margins, flagged=flagged, share=self.share)

    @cached_property
    def smallest_detectable(self) -> float | None:
        """The smallest slowdown that 80 of 100 gates with such rounds call a regression; None with fewer than two rounds."""
        deviation = power.deviation(self.clocked, self.screened)[0]
        return None if deviation is None else power.smallest_detectable(deviation, self.margins, self.most, self.share)


def decide(
    screen: Sequence[float], confirm: Sequence[float], margins: Margins, most: int = HORIZON, share: float = 1.0
) -> Decision:
    """The decision that the rounds allow, replayed look by look in the order in which they were raced.

    It depends on nothing but the rounds: a gate that is resumed errs no more often than one that never stopped, and rounds
    after the look that decided are ignored. `most` only decides whether another round is wanted.

    screen, confirm  one finite value for each round, ln(head / base), in the order of the rounds
    most             rounds of each stage; with fewer than 4 nothing is ever decided
    share            of the arm's false alarms that may be spent; see `alpha_spending.spent`
    """
    if not all(map(math.isfinite, chain(screen, confirm))):
        raise ValueError("The value of a round must be finite: leave out rounds in which a side was not clocked.")
    nothing = np.empty(0)
    word, count = _stage(np.asarray(screen, dtype=float), nothing, margins, share)
    counted, screened = screen[:count], clocked(screen[:count])
    if word != "regressed":
        return Decision(word, _wanted("screen", word, count, most), screened, None, margins, most, share)
    word, count = _stage(np.asarray(confirm, dtype=float), np.asarray(counted, dtype=float), margins, share)
    stage, again = _wanted("confirm", word, count, most), clocked(confirm[:count])
    word = "ok" if word == "improved" else word  # the stages contradict each other: no improvement is proved
    return Decision(word, stage, again or screened, screened if again else None, margins, most, share)


def clocked(logarithms: Sequence[float]) -> Clocked | None:
    """The change that the rounds show, with its 95 % interval; None without a round.

    The interval is computed for a fixed number of rounds at 96 %. In cells that stop at a look, resampled from measured
    rounds, it covers the truth in 95.9 to 96.6 % of cases where nothing is slower, in 96.1 to 96.7 % at a slowdown of 5 %,
    and in 93.2 to 96.5 % at 2 % with a gate of 1.5 %. Where the slowdown equals the gate, stopping matters most: 89 to 92 %.
    """
    if not logarithms:
        return None
    ratio, several = estimate(logarithms, FIXED_LEVEL), len(logarithms) > 1
    return Clocked(
        change=ratio.value - 1,
        low=None if ratio.low is None else ratio.low - 1,
        high=None if ratio.high is None else ratio.high - 1,
        rounds=len(logarithms),
        deviation=float(np.std(logarithms, ddof=1)) if several else None,
    )


def judge_controls(screen: Mapping[str, Rounds], confirm: Mapping[str, Rounds]) -> tuple[Clocked | None, bool]:
    """The change that the controls show, which are the same on both sides, and whether it vetoes all measured times.

    Like a regression, a veto needs two samples of rounds: controls that are off are raced again, and measured times are
    disbelieved only when the fresh rounds are off in the same direction. On a machine that favours no side, at most 1 gate in
    20 000 is vetoed by chance. Controls that are off and could not be raced again within the budget veto, too.

    screen, confirm  for each control cell, one finite value for each round, ln(head / base)
    """
    first, second = pooled(screen), pooled(confirm)
    suspect = off(first)
    if not suspect or len(second) < FEWEST_CONTROLS:
        return clocked(second or first), bool(suspect)
    return clocked(second), off(second) == suspect


def off(values: Rounds) -> int:
    """1 if the controls favour the base, -1 if they favour the head: by more than 1 %, with p < 0.01; else 0.

    All rounds of all cells are one sample: each round has fresh processes, a fresh order and freshly drawn copies, so rounds
    of different cells are as independent as rounds of one. What they have in common is the effect that is looked for: a
    machine that favours a side.
    """
    if len(values) < 2:
        return 0
    mean, error = _moments(np.asarray(values, dtype=float))
    biased = abs(mean) > math.log1p(BIAS) and 2 * _p(abs(mean), error, len(values)) < BY_CHANCE
    return int(math.copysign(1, mean)) if biased else 0


def pooled(cells: Mapping[str, Rounds]) -> list[float]:
    """The rounds of all cells."""
    values = list(chain.from_iterable(cells.values()))
    if not all(map(math.isfinite, values)):
        raise ValueError("The value of a round must be finite: leave out rounds in which a side was not clocked.")
    return values


def family_error(cells: int) -> float:
    """An upper bound of the probability that a gate calls any cell a regression where none is slower than the floor.

    A regression needs two tests on separate rounds, so the bound for each cell is 0.01 * 0.01; for all cells it is the sum
    (Bonferroni), whether or not the cells are independent. See the assumptions at the top of this file.
    """
    return min(1.0, cells * ALPHA["regressed"] ** 2)


def _stage(values: Values, before: Values, margins: Margins, share: float) -> tuple[Word, int]:
    """The decision of the first look that decides, and how many rounds it is based on.

    before  the values of the stage before, which count for the mean
    """
    floor, gate, earlier = math.log1p(margins.floor), math.log1p(margins.gate), float(before.sum())
    for rounds in looks(len(values)):
        mean, error = _moments(values[:rounds])
        together, excluded = (earlier + rounds * mean) / (len(before) + rounds), level("ok", rounds)
        if _p(mean - floor, error, rounds) < level("regressed", rounds, share) and together >= gate:
            return "regressed", rounds
        if _p(gate - mean, error, rounds) < excluded:
            return "improved" if _p(-floor - mean, error, rounds) < excluded else "ok", rounds
    return "unresolved", len(values)


def _moments(values: Values) -> tuple[float, float]:
    """The mean, and its standard error."""
    return float(values.mean()), float(values.std(ddof=1)) / math.sqrt(len(values))


def _p(gap: float, error: float, rounds: int) -> float:
    """The one-sided p value, by Student's t, of a mean that is `gap` beyond a bound; 0 or 1 where there is no spread."""
    return float(stdtr(rounds - 1, -gap / error)) if error else float(gap <= 0)


def _wanted(stage: Stage, word: Word, rounds: int, most: int) -> Stage | None:
    return stage if word == "unresolved" and rounds < max(looks(most), default=0) else None
