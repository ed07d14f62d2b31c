"""Run against run in sentences: what has changed, and what to doubt. Apart from the numbers, as in a race."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from bench.results import statistics
from bench.results.statistics import Estimate
from reports.compare.changes import Change, Control, Versus
from reports.compare.environments import listed
from reports.text import numbers
from reports.text.columns import NOTHING

MOST = 5  # arms of a kind that have a sentence
CROWD = 3  # arms that change alike before it is said that it may be the reference
COUNTED = {"slower": "slower", "faster": "faster", "same": "the same", "unresolved": "unresolved"}


def findings(versus: Versus) -> Iterator[str]:
    """What somebody who reads nothing else should know, most important first."""
    compared = [change for change in versus.changes if change.ratio]
    counted = Counter(change.verdict for change in compared)
    if compared:
        parts = [f"{counted[word]} {said}" for word, said in COUNTED.items() if counted[word]]
        yield f"Against the reference, of {_arms(len(compared))} in both runs: {', '.join(parts)}."
    else:
        yield f"No change can be given for the {_arms(len(versus.changes))} that both runs have."
    for word in ("slower", "faster"):
        found = [change for change in compared if change.verdict == word]
        for change in found[:MOST]:
            code = "; its code has changed" if change.code else ""
            if change.ratio:
                yield f"{change.name} is {word}: against the reference it takes {told(change.ratio)}{code}."
        if len(found) > MOST:
            yield f"{len(found) - MOST} more are {word}."
        if len(found) >= CROWD and 2 * len(found) > len(compared):
            yield _crowd(len(found), len(compared), word, versus.controls)
    twins = [control.twin for control in versus.controls if control.twin]
    if twins:
        yield (
            f"Identical code, the reference's twin, takes {told(max(twins, key=_far))} against the reference: "
            "so much may be nothing."
        )
    turned = [change for change in versus.changes if change.turned]
    for change in turned[: 2 * MOST]:
        why = f": {change.now.reason}" if change.now.reason and change.now.status != "ok" else ""
        yield f"{change.name} {change.turned}{why}."
    if len(turned) > 2 * MOST:
        yield f"{len(turned) - 2 * MOST} more have another status."


def _crowd(some: int, of: int, word: str, controls: Sequence[Control]) -> str:
    """Most arms changed alike: what they have in common is what they are compared with."""
    names = ", ".join(dict.fromkeys(control.reference.implementation for control in controls)) or "the reference"
    own = [control.seconds for control in controls if control.seconds]
    seconds = f" (an update of it takes {told(own[0])} by the clock)" if len(own) == 1 else ""
    code = "; its code has changed" if any(control.code for control in controls) else ""
    return f"{some} of {of} arms are {word} together, so it may be {names} that changed{seconds}{code}."


def doubts(versus: Versus) -> Iterator[str]:
    """What to bear in mind."""
    if versus.machine:
        yield f"No time is compared, for these are not known to be the same machine: {listed(versus.machine)}."
    elif versus.software:
        yield f"Seconds are not compared, and a change may come from what is installed: {listed(versus.software)}."
    if not versus.machine:
        yield from _uncompared(versus.changes)
    for control in versus.controls:
        where = f" ({control.title})" if len(versus.controls) > 1 else ""
        if control.seconds:
            whose = "its code has changed" if control.code else "its code is the same: so much may be the machine's"
            yield (
                "The runs are of two moments, so their seconds are no pairs. An update of the reference "
                f"{control.reference.name} takes {told(control.seconds)} than then; {whose}{where}."
            )
        if control.twin and statistics.verdict(control.twin) in ("slower", "faster"):
            yield (
                f"Identical code has changed too: against the reference its twin takes {told(control.twin)}{where}. "
                "Do not believe changes of that size."
            )
    compared = sum(bool(change.ratio) for change in versus.changes)
    if compared * (1 - statistics.LEVEL) > 0.5:
        some = round(compared * (1 - statistics.LEVEL))
        yield (
            f"Intervals hold the truth in 95 of 100 cases: of {compared} arms that are the same, about {some} may seem "
            "to have changed."
        )


def _uncompared(changes: Sequence[Change]) -> Iterator[str]:
    found: dict[str, list[str]] = {}
    for change in changes:
        if change.why_not:
            found.setdefault(change.why_not, []).append(change.name)
    for why, names in found.items():
        more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
        yield f"Not compared, for {why}: {', '.join(names[:MOST])}{more}."


def told(found: Estimate) -> str:
    """ "8.1 % longer (95 %: 6.2 to 10.1 %)"; beyond twice or half of what it was, "3.2 times as long (...)"."""
    low, high = found.low, found.high
    if not 0.5 < found.value < 2:
        said = f"{numbers.times(found.value)} as long"
        return f"{said} (95 %: {low:.3g} to {high:.3g} times)" if low is not None and high is not None else said
    sign = 1 if found.value >= 1 else -1
    said = f"{numbers.number(100 * abs(found.value - 1), 100 * _half(found))} % {'longer' if sign > 0 else 'less'}"
    if low is None or high is None:
        return said
    ends = sorted((100 * sign * (low - 1), 100 * sign * (high - 1)))
    return f"{said} (95 %: {' to '.join(numbers.number(end, 100 * _half(found)) for end in ends)} %)"


def percent(found: Estimate | None) -> str:
    """ "+8.1 ± 1.9 %": how much longer, and half the 95 % interval; "x 3.20 ± 0.05" beyond twice or half."""
    if found is None:
        return NOTHING
    if not 0.5 < found.value < 2:
        return f"x {numbers.estimate(found)}"
    sign = "+" if found.value >= 1 else "-"
    half = _half(found)
    said = f"{sign}{numbers.number(100 * abs(found.value - 1), 100 * half)}"
    return f"{said} ± {numbers.number(100 * half, 100 * half)} %" if math.isfinite(half) else f"{said} %"


def _far(found: Estimate) -> float:
    return abs(math.log(found.value))


def _arms(number: int) -> str:
    return "1 arm" if number == 1 else f"{number} arms"


def _half(found: Estimate) -> float:
    return found.half_width * found.value
