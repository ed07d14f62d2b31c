"""The findings and doubts of a comparison of two runs, in sentences."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from bench.results import statistics
from bench.results.statistics import Estimate
from impls.contract.words import counted
from reports.compare.changes import Change, Changes, Control
from reports.compare.environments import listed
from reports.text import numbers
from reports.text.columns import NOTHING

MOST = 5  # arms of one verdict that have a sentence each
MOST_NAMED = 8  # arms of only one run that are named
CROWD = 3  # arms that change alike before the reference is suspected
WORDS = {"slower": "slower", "faster": "faster", "same": "the same", "unresolved": "unresolved"}


def findings(changes: Changes) -> Iterator[str]:
    """What has changed, the most important first."""
    compared = [change for change in changes.changes if change.ratio]
    counts = Counter(change.verdict for change in compared)
    if compared:
        parts = [f"{counts[verdict]} {word}" for verdict, word in WORDS.items() if counts[verdict]]
        yield f"Against the reference, of {counted(len(compared), 'arm')} in both runs: {', '.join(parts)}."
    else:
        yield f"No change can be given for the {counted(len(changes.changes), 'arm')} that both runs have."
    for verdict in ("slower", "faster"):
        alike = [change for change in compared if change.verdict == verdict]
        for change in alike[:MOST]:
            code = "; its code has changed" if change.code_changed else ""
            if change.ratio:
                yield f"{change.name} is {verdict}: against the reference it takes {in_words(change.ratio)}{code}."
        if len(alike) > MOST:
            yield f"{len(alike) - MOST} more are {verdict}."
        if len(alike) >= CROWD and 2 * len(alike) > len(compared):
            yield _crowd(len(alike), len(compared), verdict, changes.controls)
    twins = [control.twin for control in changes.controls if control.twin]
    if twins:
        yield (
            f"Identical code, the reference's twin, takes {in_words(max(twins, key=_distance))} against the reference: "
            "a change of this size may be noise."
        )
    status_changed = [change for change in changes.changes if change.status]
    for change in status_changed[: 2 * MOST]:
        why = f": {change.now.reason}" if change.now.reason and change.now.status != "ok" else ""
        yield f"{change.name} {change.status}{why}."
    if len(status_changed) > 2 * MOST:
        yield f"{len(status_changed) - 2 * MOST} more have another status."


def _crowd(some: int, of: int, verdict: str, controls: Sequence[Control]) -> str:
    """Most arms changed alike: then it may be what they are compared with that changed."""
    names = ", ".join(dict.fromkeys(control.reference.implementation for control in controls)) or "the reference"
    own = [control.seconds for control in controls if control.seconds]
    seconds = f" (an update of it takes {in_words(own[0])} by the clock)" if len(own) == 1 else ""
    code = "; its code has changed" if any(control.code_changed for control in controls) else ""
    return f"{some} of {of} arms are {verdict} together, so it may be {names} that changed{seconds}{code}."


def missing(changes: Changes) -> Iterator[str]:
    """The arms that only one of the two runs has; the JSON document names all of them."""
    for run, arms in ((changes.then, changes.gone), (changes.now, changes.new)):
        if arms:
            more = f", and {len(arms) - MOST_NAMED} more" if len(arms) > MOST_NAMED else ""
            yield f"Only in {run}: {', '.join(arm.label for arm in arms[:MOST_NAMED])}{more}."


def doubts(changes: Changes) -> Iterator[str]:
    """What limits the findings: other machines or software, what identical code did, chance."""
    if changes.machine:
        yield f"No time is compared, because these are not known to be the same machine: {listed(changes.machine)}."
    elif changes.software:
        yield f"Seconds are not compared, and a change may come from the software: {listed(changes.software)}."
    if not changes.machine:
        yield from _not_compared(changes.changes)
    for control in changes.controls:
        where = f" ({control.title})" if len(changes.controls) > 1 else ""
        if control.seconds:
            code = (
                "its code has changed" if control.code_changed else "its code is the same, so this may be the machine"
            )
            yield (
                "The runs were made at different times, so their seconds are not paired. An update of the reference "
                f"{control.reference.name} takes {in_words(control.seconds)} than in the earlier run; {code}{where}."
            )
        if control.twin and statistics.verdict(control.twin) in ("slower", "faster"):
            yield (
                f"Identical code has changed too: against the reference its twin takes {in_words(control.twin)}{where}. "
                "Do not believe changes of that size."
            )
    compared = sum(bool(change.ratio) for change in changes.changes)
    false_alarms = compared * (1 - statistics.LEVEL)
    if false_alarms > 0.5:
        yield (
            f"An interval misses the true value in 5 of 100 cases: of {compared} arms that have not changed, "
            f"about {round(false_alarms)} may seem to have."
        )


def _not_compared(changes: Sequence[Change]) -> Iterator[str]:
    names: dict[str, list[str]] = {}
    for change in changes:
        if change.why_not:
            names.setdefault(change.why_not, []).append(change.name)
    for why, arms in names.items():
        more = f" and {len(arms) - MOST} more" if len(arms) > MOST else ""
        yield f"Not compared ({why}): {', '.join(arms[:MOST])}{more}."


def in_words(change: Estimate) -> str:
    """ "8.1 % longer (95 %: 6.2 to 10.1 %)"; beyond twice or half, "3.2 times as long (...)"."""
    low, high = change.low, change.high
    if not 0.5 < change.value < 2:
        factor = f"{numbers.times(change.value)} as long"
        return f"{factor} (95 %: {low:.3g} to {high:.3g} times)" if low is not None and high is not None else factor
    sign = 1 if change.value >= 1 else -1
    half = 100 * change.half_width * change.value
    share = f"{numbers.number(100 * abs(change.value - 1), half)} % {'longer' if sign > 0 else 'less'}"
    if low is None or high is None:
        return share
    ends = sorted((100 * sign * (low - 1), 100 * sign * (high - 1)))
    return f"{share} (95 %: {' to '.join(numbers.number(end, half) for end in ends)} %)"


def in_digits(change: Estimate | None) -> str:
    """ "+8.1 ± 1.9 %": how much longer, and half the 95 % interval; "x 3.20 ± 0.05" beyond twice or half."""
    if change is None:
        return NOTHING
    if not 0.5 < change.value < 2:
        return f"x {numbers.estimate(change)}"
    sign = "+" if change.value >= 1 else "-"
    half = 100 * change.half_width * change.value
    share = f"{sign}{numbers.number(100 * abs(change.value - 1), half)}"
    return f"{share} ± {numbers.number(half, half)} %" if math.isfinite(half) else f"{share} %"


def _distance(change: Estimate) -> float:
    return abs(math.log(change.value))
