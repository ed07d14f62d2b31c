"""Power of the gate: how many more rounds decide a cell, and how small a slowdown a gate detects."""

import math
from functools import cache, lru_cache

from scipy.optimize import brentq
from scipy.special import chdtri, nctdtrinc, ndtri, stdtrit

from bench.gate.rule.alpha_spending import START, Kind, level, looks
from bench.results.gate import Clocked, Margins

POWER = 0.8  # probability of detecting a slowdown
FARTHEST = 640  # rounds; no estimate is given where more are needed
NEVER, ALWAYS = -2.0, 30.0  # slowdowns beyond the gate, in deviations of a round, that are flagged never and always


def deviation(*stages: Clocked | None) -> tuple[float | None, int]:
    """The pooled standard deviation of a round's logarithm, and its degrees of freedom; None with 0 of them."""
    parts = [(stage.rounds - 1, stage.deviation) for stage in stages if stage and stage.deviation is not None]
    freedom = sum(degrees for degrees, _ in parts)
    return (math.sqrt(sum(degrees * own**2 for degrees, own in parts) / freedom) if freedom else None), freedom


def rounds_to_resolve(
    screened: Clocked, confirmed: Clocked | None, margins: Margins, *, flagged: bool, share: float = 1.0
) -> int | None:
    """How many more rounds decide a cell in 80 of 100 cases if its mean stays; None beyond 640, or with one round.

    The deviation of a round is replaced by its 80 % upper bound, by chi-square. A look at n rounds then decides when the mean
    is further from floor or gate than (t + z) deviation / sqrt(n), where t is the quantile of Student's t for that look's
    level and z the normal quantile of 80 %. A cell that is not flagged yet must be confirmed as well.

    flagged  whether the screening is over and the confirmation has begun
    share    of the arm's false alarms that may be spent
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
        needs = [_more("ok", gate - mean, upper, done)]
        needs += [_more("regressed", mean - floor, upper, done, share)] if slow else []
        return min((rounds for rounds in needs if rounds is not None), default=None)
    if mean < gate:
        return _more("ok", gate - mean, upper, screened.rounds)
    first, second = (_more("regressed", mean - floor, upper, rounds, share) for rounds in (screened.rounds, 0))
    return None if first is None or second is None else first + second


def _more(kind: Kind, gap: float, spread: float, done: int, share: float = 1.0) -> int | None:
    """How many rounds after `done` the first look comes that detects a gap as wide as this; None beyond FARTHEST."""
    for rounds in looks(FARTHEST):
        needed = _quantile(kind, rounds, share) + float(ndtri(POWER))
        if rounds > done and gap > 0 and gap * math.sqrt(rounds) >= needed * spread:
            return rounds - done
    return None


@lru_cache(maxsize=4096)
def smallest_detectable(deviation: float, margins: Margins, most: int, share: float = 1.0) -> float | None:
    """The smallest slowdown, as a fraction, that 80 of 100 gates flag and confirm; None without looks.

    The sum of a stage's rounds is modelled as a Brownian motion that is followed from look to look, between an upper boundary
    above which a look flags the cell and a lower one below which a look calls it ok. The boundaries are those of a known
    deviation; the upper one is shifted so that the probability of a single look is exactly that of the noncentral t
    distribution. In the confirmation the mean of both stages must reach the gate, so its boundary is lower by the mean lead of
    flagged cells. Simulated gates detect between 75 and 84 of 100, for deviations from 0.1 % to 8 %.

    deviation  of a round's logarithm, at least 0; with 0 every slowdown of the gate is detected
    most       rounds of each stage
    share      of the arm's false alarms that may be spent
    """
    if not looks(most):
        return None
    if not deviation:
        return margins.gate
    gate = math.log1p(margins.gate)
    room = (gate - math.log1p(margins.floor)) / deviation

    def missing(beyond: float) -> float:
        screening, lead = _flagged(beyond, room, most, 0.0, share)
        return POWER - screening * _flagged(beyond, room, most, lead, share)[0]

    return math.expm1(gate + float(brentq(missing, NEVER, ALWAYS, xtol=1e-3)) * deviation)


def _flagged(beyond: float, room: float, most: int, ahead: float, share: float) -> tuple[float, float]:
    """The probability that a stage flags the cell, and the mean lead of its sum over the gate when it does.

    All in deviations of a round:

    beyond  the slowdown beyond the gate
    room    the distance between floor and gate
    ahead   the lead of the stage before, by which this stage's sum may stay behind the gate
    """
    walk, lead = START, 0.0
    for rounds in looks(most):
        root, drift = math.sqrt(rounds), beyond * rounds
        high = max(_line(rounds, share) * root - room * rounds, -ahead)
        low = min(-_quantile("ok", rounds) * root, high)
        lead += walk.excess(rounds, high - drift) + high * walk.beyond(rounds, high - drift)
        walk = walk.between(rounds, low - drift, high - drift)
    return walk.spent, lead / walk.spent if walk.spent else 0.0


@cache
def _quantile(kind: Kind, rounds: int, share: float = 1.0) -> float:
    return float(stdtrit(rounds - 1, 1 - level(kind, rounds, share)))


@cache
def _line(rounds: int, share: float) -> float:
    """The boundary, as a normal deviate, at which a known deviation gives the probability that t gives with an unknown one."""
    stage = math.sqrt(POWER)
    return float(nctdtrinc(rounds - 1, 1 - stage, _quantile("regressed", rounds, share)) - ndtri(stage))
