"""What may be said of a cell after so many rounds: the rule of the gate. Apart: numbers in, words out, nothing raced here.

The value of a round is ln(head / base), so above 0 is slower. Two questions are asked at every look (`spending.LOOKS`), each
by Student's t over rounds: is the mean above the floor, is it below the gate. A cell that the screening flags is raced
again, and only when fresh rounds say the same is it called a regression.

It is assumed that rounds are independent, that their noise is symmetric (which the random order and the exchanged copies
of the two sides see to), and that the machine favours a side by no more than the floor.
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

BIASED, BY_CHANCE = 0.01, 0.01  # controls that are further off than the first, and by chance less often than the second
SETTLED = 0.96  # the level of intervals told as 95 %: stopping at a look, as a gate does, takes about 1 % from them
FEWEST_CONTROLS = 6  # rounds of all controls together

Word = Literal["regressed", "ok", "improved", "unresolved"]
Rounds = Sequence[float]


@dataclass(frozen=True)
class Decision:
    """What the rounds that there are allow to be said, and what is raced next.

    word      regressed: slower than the floor by both stages, and by the gate or more in the mean; ok: slower by the gate or
              more is excluded; improved: ok, and as surely faster by more than the floor; else unresolved
    stage     whose next round is needed; None when there is a word, or no round is left
    clocked   the change by the rounds that count: the confirmation's where there are any; None without a round
    screened  the change by the screening, where the confirmation has rounds
    margins   that it was asked for
    most      rounds of each stage that it was allowed
    """

    word: Word
    stage: Stage | None
    clocked: Clocked | None
    screened: Clocked | None
    margins: Margins
    most: int

    @cached_property
    def rounds_to_resolve(self) -> int | None:
        """About how many more rounds decide an unresolved cell, `most` or not; None for others, or when nobody knows."""
        if self.word != "unresolved" or self.clocked is None:
            return None
        confirmed = self.clocked if self.screened else None
        flagged = confirmed is not None or self.stage == "confirm"
        return power.rounds_to_resolve(self.screened or self.clocked, confirmed, self.margins, flagged=flagged)

    @cached_property
    def smallest_detectable(self) -> float | None:
        """The smallest slowdown that 80 of 100 gates with rounds like these would call a regression; None without two."""
        deviation = power.deviation(self.clocked, self.screened)[0]
        return None if deviation is None else power.smallest_detectable(deviation, self.margins, self.most)


def decide(screen: Sequence[float], confirm: Sequence[float], margins: Margins, most: int = HORIZON) -> Decision:
    """The word that the rounds allow, found by looking at them again in the order in which they were raced.

    So it depends on nothing but the rounds: a gate that goes on later errs no more often than one that never stopped, and
    rounds after the look that decided are not looked at. `most` says only whether another round is wanted.

    screen, confirm  one finite value for each round, ln(head / base), in the order of the rounds
    most             rounds of each stage; with fewer than 4 nothing is ever decided
    """
    if not all(map(math.isfinite, chain(screen, confirm))):
        raise ValueError("The value of a round must be finite: leave out rounds in which a side was not clocked.")
    nothing = np.empty(0)
    word, count = _stage(np.asarray(screen, dtype=float), nothing, margins)
    counted, screened = screen[:count], clocked(screen[:count])
    if word != "regressed":
        return Decision(word, _wanted("screen", word, count, most), screened, None, margins, most)
    word, count = _stage(np.asarray(confirm, dtype=float), np.asarray(counted, dtype=float), margins)
    stage, again = _wanted("confirm", word, count, most), clocked(confirm[:count])
    word = "ok" if word == "improved" else word  # the two stages contradict each other: nothing is proved
    return Decision(word, stage, again or screened, screened if again else None, margins, most)


def clocked(logarithms: Sequence[float]) -> Clocked | None:
    """The change that rounds showed, with its 95 % interval; None without a round.

    The interval is that of a settled number of rounds at 96 %. In cells that stop at a look, drawn anew from measured rounds,
    it holds the truth in 95.9 to 96.6 % where nothing is slower, in 96.1 to 96.7 % at 5 %, and in 93.2 to 96.5 % at 2 % with
    a gate of 1.5 %. Where the slowdown is the gate itself, and stopping tells most, it holds it in 89 to 92 %.
    """
    if not logarithms:
        return None
    found, several = estimate(logarithms, SETTLED), len(logarithms) > 1
    return Clocked(
        change=found.value - 1,
        low=None if found.low is None else found.low - 1,
        high=None if found.high is None else found.high - 1,
        rounds=len(logarithms),
        deviation=float(np.std(logarithms, ddof=1)) if several else None,
    )


def controls(screen: Mapping[str, Rounds], confirm: Mapping[str, Rounds]) -> tuple[Clocked | None, bool]:
    """What cells showed that are the same on both sides, and whether it vetoes every word of the clock.

    Like a regression, a veto needs two samples of rounds: controls that seem off are raced again, and only when fresh rounds
    are off to the same side is the machine not believed. So where it favours nobody, at most 1 gate in 20 000 is stopped
    by chance. Suspected and not raced again, for time was up, is a veto, too: then nothing speaks for the clock.

    screen, confirm  for each control cell, one finite value for each round, ln(head / base)
    """
    first, second = pooled(screen), pooled(confirm)
    suspect = off(first)
    if not suspect or len(second) < FEWEST_CONTROLS:
        return clocked(second or first), bool(suspect)
    return clocked(second), off(second) == suspect


def off(values: Rounds) -> int:
    """Whether controls favour the base (1) or the head (-1): by more than 1 %, and so far by chance in less than 1 of 100.

    All rounds of all cells are one sample: each is made of fresh processes of its own, in an order and from copies drawn
    anew, so rounds of different cells are as independent as rounds of one. What they share, a machine that favours a side,
    is what is looked for.
    """
    if len(values) < 2:
        return 0
    mean, error = _moments(np.asarray(values, dtype=float))
    far = abs(mean) > math.log1p(BIASED) and 2 * _p(abs(mean), error, len(values)) < BY_CHANCE
    return int(math.copysign(1, mean)) if far else 0


def pooled(cells: Mapping[str, Rounds]) -> list[float]:
    """The rounds of all cells."""
    values = list(chain.from_iterable(cells.values()))
    if not all(map(math.isfinite, values)):
        raise ValueError("The value of a round must be finite: leave out rounds in which a side was not clocked.")
    return values


def family_error(cells: int) -> float:
    """At most so often does a gate of so many cells call any of them a regression where none is slower than the floor.

    Each must pass two tests with rounds of their own, so the probabilities multiply: cells * 0.01 * 0.01, whether or not
    the cells are independent. See the assumptions at the top of this file.
    """
    return min(1.0, cells * ALPHA["regressed"] ** 2)


def _stage(values: Values, before: Values, margins: Margins) -> tuple[Word, int]:
    """The word of the first look that has one, and how many rounds count for it; `before` are those of the stage before."""
    floor, gate, earlier = math.log1p(margins.floor), math.log1p(margins.gate), float(before.sum())
    for rounds in looks(len(values)):
        mean, error = _moments(values[:rounds])
        together, excluded = (earlier + rounds * mean) / (len(before) + rounds), level("ok", rounds)
        if _p(mean - floor, error, rounds) < level("regressed", rounds) and together >= gate:
            return "regressed", rounds
        if _p(gate - mean, error, rounds) < excluded:
            return "improved" if _p(-floor - mean, error, rounds) < excluded else "ok", rounds
    return "unresolved", len(values)


def _moments(values: Values) -> tuple[float, float]:
    """The mean, and its standard error."""
    return float(values.mean()), float(values.std(ddof=1)) / math.sqrt(len(values))


def _p(gap: float, error: float, rounds: int) -> float:
    """The p value, by Student's t, of a mean this far beyond the bound that is doubted. Without any spread 0 or 1."""
    return float(stdtr(rounds - 1, -gap / error)) if error else float(gap <= 0)


def _wanted(stage: Stage, word: Word, rounds: int, most: int) -> Stage | None:
    return stage if word == "unresolved" and rounds < max(looks(most), default=0) else None
