"""The exponent with which the time of an update grows at the large end of a sweep, with an interval."""

import math

from bench.results.statistics import Estimate


def exponent_of(sizes: tuple[float, float], times: tuple[Estimate, Estimate]) -> Estimate | None:
    """The exponent p of time ~ size ** p from one size to the next: 0 where only the fixed part counts, 1 for rows.

    Its 95 % interval comes from those of the two times, which were measured in races of their own. None where one of them
    has no interval. No law is assumed: between other sizes it may be another one.
    """
    logarithms = []
    for time in times:
        if not time.low or not time.high:
            return None
        logarithms.append((math.log(time.value), math.log(time.high / time.low) / 2))
    (before, its_half), (after, half) = logarithms
    apart = math.log(sizes[1] / sizes[0])
    value, wide = (after - before) / apart, math.hypot(its_half, half) / apart
    return Estimate(value, value - wide, value + wide, min(time.rounds for time in times))
