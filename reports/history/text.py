"""The findings of a history, in sentences: what changed since which run, and what else was different then."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from impls.contract.words import counted
from reports.compare.environments import ABSENT, NOT_INSTALLED, differences
from reports.history.trends import LEAST_RUNS, History, Trend
from reports.text import numbers

MOST = 8  # changes of a history that have a sentence each
CROWD = 3  # arms that change alike at one run before one sentence is said of all of them


@dataclass(frozen=True)
class Step:
    """A change of one arm's level at one run; `factor` is the new level over the one before."""

    trend: Trend
    at: int
    factor: float

    @property
    def slower(self) -> bool:
        """Whether the arm takes longer than before."""
        return self.factor > 1


def steps(history: History) -> list[Step]:
    """All changes of all arms, the latest first."""
    changes = [
        Step(trend, at, factor) for trend in history.trends if trend.levels for at, factor in trend.levels.changes
    ]
    return sorted(changes, key=lambda step: -step.at)


def findings(history: History) -> Iterator[str]:
    """What has changed, the latest change first; then what cannot be said yet, and which arms fail now."""
    changes = steps(history)
    changed = {step.trend.key for step in changes}
    ready = [trend for trend in history.trends if trend.levels and not trend.levels.wanted]
    if ready:
        runs, arms = counted(len(history.runs), "run"), counted(len(ready), "arm")
        yield f"Over {runs}, {len(changed) or 'none'} of {arms} changed for good." + (
            "" if changed else " Nothing is known to have become slower or faster."
        )
    sentences = list(_sentences(history, changes))
    yield from sentences[:MOST]
    if len(sentences) > MOST:
        yield f"{len(sentences) - MOST} earlier or smaller changes are in history.csv."
    yield from _more_runs_wanted(history)
    yield from _failing(history)


def _sentences(history: History, changes: Sequence[Step]) -> Iterator[str]:
    """A sentence for each change; one for all arms that change alike at one run."""
    groups: dict[tuple[int, bool, bool], list[Step]] = {}
    for step in changes:
        groups.setdefault((step.at, step.slower, bool(step.trend.ratio)), []).append(step)
    for (at, *_), group in groups.items():
        if len(group) < CROWD:
            yield from (f"{step.trend.name} {sentence(history, step)}." for step in group)
            continue
        factors = sorted(step.factor for step in group)
        names = ", ".join(step.trend.name for step in group[:MOST])
        more = f" and {len(group) - MOST} more" if len(group) > MOST else ""
        others = "; ".join(dict.fromkeys(one for step in group for one in circumstances(history, step, named=True)))
        compared = sum(bool(trend.ratio and at in trend.ratio.runs) for trend in history.trends)
        together = 2 * len(group) > compared and group[0].trend.ratio
        suspect = f" Most arms changed together, so it may be the reference that did: {_reference(history, group[0])}."
        yield (
            f"{len(group)} arms take {_span(group[0].trend, factors[0], factors[-1])}, "
            f"since run {_since(history, at, others)}: {names}{more}.{suspect if together else ''}"
        )


def _reference(history: History, step: Step) -> str:
    """The label of the arm that the step's ratio is to."""
    run, point = history.runs[step.at], step.trend.points[step.at]
    reference = run.points.get(point.reference) if point else None
    return reference.arm.label if reference else "it is not in that run"


def sentence(history: History, step: Step) -> str:
    """ "takes 8.1 % longer against the reference than before, since run 2026-11-20T10-00-00-1a2b (commit 0123abc)"."""
    others = "; ".join(circumstances(history, step))
    return f"takes {_span(step.trend, step.factor, step.factor)}, since run {_since(history, step.at, others)}"


def _since(history: History, at: int, others: str) -> str:
    return f"{history.runs[at].name} ({others or 'nothing else that runs record was different'})"


def _span(trend: Trend, least: float, most: float) -> str:
    """ "7.7 to 7.9 % longer against the reference than before"; beyond twice or half "3.2 times as long ... as before"."""
    measure = "against the reference" if trend.ratio else "by the clock"
    if least <= 0.5 or most >= 2:
        factors = " to ".join(dict.fromkeys(numbers.count(factor, 3) for factor in (least, most)))
        return f"{factors} times as long {measure} as before"
    shares = sorted(100 * abs(factor - 1) for factor in (least, most))
    span = " to ".join(dict.fromkeys(numbers.count(share) for share in shares))
    return f"{span} % {'longer' if most > 1 else 'less'} {measure} than before"


def in_digits(factor: float) -> str:
    """A change of level: "+8.1 %", or "x 3.2" beyond twice or half."""
    return numbers.percent_off(factor) if 0.5 < factor < 2 else f"x {numbers.count(factor, 3)}"


def circumstances(history: History, step: Step, *, named: bool = False) -> Iterator[str]:
    """What differs between the last run before a change and the first after it: commit, software, code.

    named  whether to name the arm whose code has changed
    """
    levels = step.trend.levels
    before_at = max((at for at in levels.runs if at < step.at), default=step.at) if levels else step.at
    before, after = history.runs[before_at].setup, history.runs[step.at].setup
    commit = differences({"commit": before.others["commit"]}, {"commit": after.others["commit"]})
    if not commit and ABSENT not in after.others["commit"]:
        yield f"commit {after.others['commit']}"
    for difference in [*commit, *differences(before.software, after.software, NOT_INSTALLED)]:
        yield f"{difference.what} {difference.then} → {difference.now}"
    old, new = step.trend.points[before_at], step.trend.points[step.at]
    if old and new and old.code and new.code and old.code != new.code:
        yield f"the code of {step.trend.name} has changed" if named else "its code has changed"
    if old and new and step.trend.ratio:
        references = [history.runs[at].points.get(new.reference) for at in (before_at, step.at)]
        codes = [reference.code for reference in references if reference and reference.code]
        if len(codes) == 2 and codes[0] != codes[1]:
            yield "the code of the reference has changed"


def _more_runs_wanted(history: History) -> Iterator[str]:
    """How many more runs are needed before a change can be found."""
    wanted = [trend.levels.wanted for trend in history.trends if trend.levels and trend.levels.wanted]
    if wanted:
        span = " to ".join(dict.fromkeys(map(str, (min(wanted), max(wanted)))))
        yield (
            f"{counted(len(wanted), 'arm needs', 'arms need')} {span} more {'run' if max(wanted) == 1 else 'runs'} of two or "
            f"more rounds before a change can be found: that takes {LEAST_RUNS} runs."
        )


def _failing(history: History) -> Iterator[str]:
    """Arms that the latest run could not measure, and an earlier one could."""
    for trend in history.trends:
        point = trend.points[-1]
        if point and point.status != "ok" and any(earlier and earlier.status == "ok" for earlier in trend.points):
            status = point.status.replace("_", " ")
            yield f"{trend.name} was ok before, and its status in the latest run is {status}: {point.reason}."
