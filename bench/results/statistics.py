"""Estimates with intervals from the blocks of records. Records keep raw times; every number is computed when they are read."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

import numpy as np
from scipy.special import stdtrit

from bench.results.record import Record

LEVEL = 0.95
LAPS = 9  # of a round, at least, that a trend is read from
SAME = 0.02  # two arms are the same when the whole interval of their ratio lies within this distance of 1

Verdict = Literal["faster", "slower", "same", "unresolved"]


@dataclass(frozen=True)
class Estimate:
    """A positive quantity with its 95 % interval; low and high are None for a single round, which gives no interval."""

    value: float
    low: float | None
    high: float | None
    rounds: int

    @property
    def half_width(self) -> float:
        """Half the length of the interval, relative to the value; infinite without an interval."""
        return math.inf if self.low is None or self.high is None else (self.high - self.low) / 2 / self.value


def estimate(logarithms: Sequence[float], level: float = LEVEL) -> Estimate:
    """The geometric mean over rounds with Student's t interval: the round is the unit of replication.

    logarithms  natural logarithm of the quantity, one for each round, at least one
    level       of the interval, which is exact if the number of rounds was fixed in advance
    """
    values = np.asarray(logarithms, dtype=float)
    mean, count = float(values.mean()), len(values)
    if count == 1:
        return Estimate(math.exp(mean), None, None, 1)
    half = float(stdtrit(count - 1, (1 + level) / 2)) * float(values.std(ddof=1)) / math.sqrt(count)
    return Estimate(math.exp(mean), math.exp(mean - half), math.exp(mean + half), count)


def seconds_per_update(records: Sequence[Record]) -> Estimate | None:
    """Seconds of one steady update: the median over laps in each round, then `estimate` over rounds. None without blocks."""
    logarithms = seconds_logarithms(records)
    return estimate(logarithms) if logarithms else None


def seconds_logarithms(records: Sequence[Record]) -> list[float]:
    """For each round with blocks, the logarithm of the seconds of an update, which are the median over laps."""
    return [math.log(median(record.per_update.values())) for record in records if record.blocks]


def round_logarithms(records: Sequence[Record], reference: Sequence[Record]) -> dict[int, float]:
    """For each round with both arms, by its number: the median over laps of ln(arm / reference), of seconds an update.

    Pairs are taken within a lap, so that both arms met the machine in the same state.
    """
    other = {record.round: record.per_update for record in reference if record.blocks}
    return {
        record.round: median([math.log(own[lap] / base[lap]) for lap in own if lap in base])
        for record in records
        if (own := record.per_update) and (base := other.get(record.round)) and own.keys() & base.keys()
    }


def ratio(records: Sequence[Record], reference: Sequence[Record]) -> Estimate | None:
    """Seconds of an update of an arm over those of the reference; below 1 is faster. None when no round has both."""
    logarithms = round_logarithms(records, reference)
    return estimate(list(logarithms.values())) if logarithms else None


def growth(records: Sequence[Record]) -> Estimate | None:
    """How much longer an update takes in the last third of a round's laps than in the first; None with fewer than LAPS laps.

    Above 1 it grows slower with age, as with numbers that become denormal or a list that keeps something of each update.
    """
    thirds = [
        (times[: len(times) // 3], times[-(len(times) // 3) :])
        for record in records
        if len(times := list(record.per_update.values())) >= LAPS
    ]
    logarithms = [math.log(median(late) / median(early)) for early, late in thirds]
    return estimate(logarithms) if logarithms else None


def change(now: Sequence[float], then: Sequence[float], *, level: float = LEVEL) -> Estimate:
    """The ratio of a quantity in two runs, now / then, with Welch's t interval, because rounds of two runs are not paired.

    now, then  natural logarithms of the quantity, one for each round, at least one of each
    level      of the interval
    """
    both = [np.asarray(logarithms, dtype=float) for logarithms in (now, then)]
    difference, rounds = float(both[0].mean() - both[1].mean()), min(map(len, both))
    if rounds == 1:
        return Estimate(math.exp(difference), None, None, 1)
    parts = [(float(values.var(ddof=1)) / len(values), len(values) - 1) for values in both]
    square = sum(part for part, _ in parts)
    freedom = square**2 / sum(part**2 / free for part, free in parts) if square else math.inf
    half = float(stdtrit(freedom, (1 + level) / 2)) * math.sqrt(square) if square else 0.0
    return Estimate(math.exp(difference), math.exp(difference - half), math.exp(difference + half), rounds)


def verdict(ratio: Estimate | None) -> Verdict:
    """What a ratio shows; "unresolved" when its interval contains both faster and slower."""
    if ratio is None or ratio.low is None or ratio.high is None:
        return "unresolved"
    if ratio.low >= 1 - SAME and ratio.high <= 1 + SAME:
        return "same"
    if ratio.high < 1:
        return "faster"
    return "slower" if ratio.low > 1 else "unresolved"
