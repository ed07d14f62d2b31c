"""What rounds can bring: how many more decide a cell, how small a slowdown they show. Apart: here nothing is decided."""

import math
from functools import cache, lru_cache

from scipy.optimize import brentq
from scipy.special import chdtri, nctdtrinc, ndtri, stdtrit

from bench.gate.rule.alpha_spending import START, Kind, level, looks
from bench.results.gate import Clocked, Margins

POWER = 0.8  # of gates like this one
FARTHEST = 640  # rounds; what needs more is not promised
NEVER, ALWAYS = -2.0, 30.0  # slowdowns beyond the gate, in deviations of a round, that no look flags, and that all do


def deviation(*stages: Clocked | None) -> tuple[float | None, int]:
    """The standard deviation of a round's logarithm that stages share, with its degrees of freedom; None with 0 of them."""
    parts = [(each.rounds - 1, each.deviation) for each in stages if each and each.deviation is not None]
    freedom = sum(free for free, _ in parts)
    return (math.sqrt(sum(free * own**2 for free, own in parts) / freedom) if freedom else None), freedom


def rounds_to_resolve(screened: Clocked, confirmed: Clocked | None, margins: Margins, *, flagged: bool) -> int | None:
    """About how many more rounds decide a cell in 80 of 100 cases if its mean stays; None beyond 640, or with one round.

    The deviation of a round is taken as its 80 % upper bound, by chi-square. A look at n rounds then decides when the mean
    is further from floor or gate than (t + z) deviation / sqrt(n): t is Student's quantile for that look's level, z the
    normal's for 80 %. A cell that is yet to be flagged must be confirmed too.

    flagged  whether the screening is over, and the confirmation under way
    """
    spread, freedom = deviation(screened, confirmed)
    if spread is None:
        return None
    upper = spread * math.sqrt(freedom / float(chdtri(freedom, POWER)))
    floor, gate = math.log1p(margins.floor), math.log1p(margins.gate)
    now = confirmed or screened
    mean, done = math.log1p(now.change), confirmed.rounds if confirmed else 0
    if flagged:
        slow = done * mean + screened.rounds * math.log1p(screened.change) >= (done + screened.rounds) * gate
        ways = [_more("ok", gate - mean, upper, done), _more("regressed", mean - floor, upper, done) if slow else None]
        return min((each for each in ways if each is not None), default=None)
    if mean < gate:
        return _more("ok", gate - mean, upper, screened.rounds)
    first, second = (_more("regressed", mean - floor, upper, rounds) for rounds in (screened.rounds, 0))
    return None if first is None or second is None else first + second


def _more(kind: Kind, gap: float, spread: float, done: int) -> int | None:
    """How many rounds after so many the first look comes that shows a gap as wide as this."""
    for rounds in looks(FARTHEST):
        needed = _quantile(kind, rounds) + float(ndtri(POWER))
        if rounds > done and gap > 0 and gap * math.sqrt(rounds) >= needed * spread:
            return rounds - done
    return None


@lru_cache(maxsize=4096)
def smallest_detectable(deviation: float, margins: Margins, most: int) -> float | None:
    """The smallest slowdown, as a fraction, that screening and confirmation both see in 80 of 100 gates; None without looks.

    The sum of a stage's rounds is followed as a Brownian motion from look to look, between the lines above which a look
    flags it and below which a look calls it ok. The lines are those of a known deviation, the upper one moved so that the
    chance of a single look is exactly that of Student's t, which is noncentral t. In the confirmation the mean of both
    stages must reach the gate, so its line is lower by the lead that flagged cells have in the mean. Simulated gates find
    between 75 and 84 of 100, for deviations from 0.1 % to 8 %.

    deviation  of a round's logarithm, at least 0; with 0 every slowdown of the gate is seen
    most       rounds of each stage
    """
    if not looks(most):
        return None
    if not deviation:
        return margins.gate
    gate = math.log1p(margins.gate)
    room = (gate - math.log1p(margins.floor)) / deviation

    def missing(beyond: float) -> float:
        screening, lead = _flagged(beyond, room, most, 0.0)
        return POWER - screening * _flagged(beyond, room, most, lead)[0]

    return math.expm1(gate + float(brentq(missing, NEVER, ALWAYS, xtol=1e-3)) * deviation)


def _flagged(beyond: float, room: float, most: int, ahead: float) -> tuple[float, float]:
    """How probable it is that a stage says regressed, and the mean of its sum, from the gate, when it does.

    All in deviations of a round: the slowdown beyond the gate, the room between floor and gate, and by how much the sum
    may stay behind the gate at the end because the stage before was so far ahead of it.
    """
    walk, lead = START, 0.0
    for rounds in looks(most):
        root, drift = math.sqrt(rounds), beyond * rounds
        high = max(_line(rounds) * root - room * rounds, -ahead)
        low = min(-_quantile("ok", rounds) * root, high)
        lead += walk.excess(rounds, high - drift) + high * walk.beyond(rounds, high - drift)
        walk = walk.between(rounds, low - drift, high - drift)
    return walk.spent, lead / walk.spent if walk.spent else 0.0


@cache
def _quantile(kind: Kind, rounds: int) -> float:
    return float(stdtrit(rounds - 1, 1 - level(kind, rounds)))


@cache
def _line(rounds: int) -> float:
    """The normal deviate that a known deviation must pass for the chance that t has with an unknown one."""
    stage = math.sqrt(POWER)
    return float(nctdtrinc(rounds - 1, 1 - stage, _quantile("regressed", rounds)) - ndtri(stage))
