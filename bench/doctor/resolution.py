"""Measures how small a change of speed this machine can show, by racing the reference against its twin.

`prepared` makes the run, `bench.runner.race.run` carries it out, `measured` evaluates its records.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean, median

from msgspec.structs import replace
from scipy.special import chdtri, nctdtrinc, stdtrit

from bench.doctor.snapshot import percent
from bench.processes import temporary
from bench.results import statistics
from bench.results.finding import Finding, Grade, Resolution
from bench.results.record import Record
from bench.results.store import Store
from bench.runner.plan import Choice, make_plan

BUDGET = 30.0  # seconds of racing
ALLOWED = 60.0  # seconds of racing that the resolution is given for
POWER = 0.8  # how often the smallest visible change is seen
FINE, POOR = 0.02, 0.05  # changes: below the one the machine is fit, above the other it is not
ARM = "linear/nn_sgd"
FEWEST_ROUNDS, MOST_ROUNDS = 4, 12  # four rounds give the spread within a factor of three, two only within six
JOB = 100  # updates: the job does not matter here


def smallest_change(deviation: float, rounds: int, power: float = POWER) -> float:
    """The change of a ratio for which the 95 % interval over the rounds excludes 1 with probability `power`.

    Round logarithms are taken as normal with this standard deviation s, their mean over n rounds as shifted by d. The
    interval (`statistics.estimate`) excludes 0 when |mean| sqrt(n) / s' > t, t the 97.5 % quantile of Student's
    distribution with n - 1 degrees of freedom and s' the rounds' own deviation. The left side is noncentral t with
    parameter d sqrt(n) / s; so with c the parameter at which P(T > t) is `power`, d = c s / sqrt(n), and the change is
    exp(d) - 1. (The other end of the interval adds less than 1e-5 to the power, and is left out.) This is the power of
    the t test: J. Cohen, Statistical Power Analysis for the Behavioral Sciences, 2nd ed., 1988, chapter 2; the t
    quantiles' sum t + t(power), often used for c, is a little too small for more than 10 rounds, much too small for 2.

    deviation  of a round's logarithm, at least 0
    rounds     at least 2
    """
    needed = nctdtrinc(rounds - 1, 1 - power, stdtrit(rounds - 1, (1 + statistics.LEVEL) / 2))
    return math.expm1(float(needed) * deviation / math.sqrt(rounds))


def resolution(logarithms: Sequence[float], round_seconds: float, seconds: float = ALLOWED) -> Resolution | None:
    """The smallest change that rounds like these, run for so many seconds, would show. None for fewer than two.

    The twin is the reference, so the logarithms' true mean is 0: s^2 is the mean of their squares, and over m rounds
    m s^2 / sigma^2 is distributed as chi-square with m degrees of freedom. That gives the interval of the change.

    logarithms     of the twin's ratio, one for each round
    round_seconds  wall time of a round
    """
    raced = len(logarithms)
    if raced < 2:
        return None
    deviation = math.sqrt(fmean(logarithm**2 for logarithm in logarithms))
    rounds = max(2, int(seconds / round_seconds))
    tail = (1 - statistics.LEVEL) / 2
    low, high = (deviation * math.sqrt(raced / float(chdtri(raced, p))) for p in (tail, 1 - tail))
    estimate = statistics.estimate(logarithms)
    assert estimate.low is not None
    assert estimate.high is not None
    return Resolution(
        change=smallest_change(deviation, rounds),
        low=smallest_change(low, rounds),
        high=smallest_change(high, rounds),
        seconds=seconds,
        rounds=rounds,
        deviation=deviation,
        raced=raced,
        ratio=(estimate.value, estimate.low, estimate.high),
    )


@contextmanager
def prepared(budget: float = BUDGET) -> Iterator[Store]:
    """A run of only the reference and its twin, ready for `race.run`, in a temporary folder.

    It ends when the time is used up, not when a precision is reached: the precision is what is measured.
    """
    choice = Choice(implementation=(ARM,), effort="quick", budget=budget).at(device="cpu", updates=JOB)
    plan = make_plan(choice, command="python -m bench doctor")
    plan = replace(
        plan,
        races=tuple(replace(race, arms=race.arms[:2]) for race in plan.races),
        rounds=(FEWEST_ROUNDS, MOST_ROUNDS),
        precision=0.0,
        settled=0,
        limit=budget,
    )
    with temporary.folder() as folder:
        store = Store.create(Path(folder))
        store.write_plan(plan.named(store.path.name), {})
        yield store


def measured(records: Sequence[Record]) -> tuple[Resolution | None, Finding]:
    """The resolution by the records of reference and twin, None where it cannot be computed; and the finding."""
    topic, source, command = "resolution", "the reference raced against its twin", "nox -s selfbench -- --only spread"
    reference, twin = ([record for record in records if record.arm.role == role] for role in ("reference", "twin"))
    logarithms = list(statistics.round_logarithms(twin, reference).values())
    seconds = [record.round_seconds for record in twin if record.blocks]
    resolved = resolution(logarithms, median(seconds)) if seconds else None
    if resolved is None:
        reasons = [f"{record.status}: {record.reason}" for record in records if record.reason]
        seen = reasons[0] if reasons else "fewer than two rounds of the twin ended"
        advice = "find out why the reference fails: nothing can be compared without it"
        return None, Finding.of(topic, seen, source, "unknown", advice, f"python -m bench check {ARM}")
    value, low, high = resolved.ratio
    biased = not low <= 1 <= high
    grade: Grade = "bad" if resolved.change > POOR else "caution" if resolved.change > FINE or biased else "fine"
    seen = (
        f"{resolved.sentence} ({percent(resolved.low)} to {percent(resolved.high)}, by {resolved.raced} rounds); "
        f"the twin's ratio was {value:.3f}, {low:.3f} to {high:.3f}"
    )
    advice = (
        "see which finding above is not fine; or measure longer: four times the time halves the smallest visible change"
    )
    return resolved, Finding.of(topic, seen, source, grade, advice, command)
