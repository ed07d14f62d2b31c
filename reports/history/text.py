"""A history in sentences: what changed since which run, and what else was different then. Apart from how it is found."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reports.compare.environments import NOT_INSTALLED, differing
from reports.history.trends import LEAST, History, Trend
from reports.text import numbers

MOST = 8  # changes of a history that have a sentence of their own
CROWD = 3  # arms that change alike before it is said that it may be the reference


@dataclass(frozen=True)
class Turn:
    """One arm's change of level at one run; `factor` is what its time is of what it was."""

    trend: Trend
    at: int
    factor: float

    @property
    def slower(self) -> bool:
        """Whether it takes longer than before."""
        return self.factor > 1


def turns(history: History) -> list[Turn]:
    """All changes of all arms, the latest first."""
    found = [Turn(trend, at, factor) for trend in history.trends if trend.told for at, factor in trend.told.changes]
    return sorted(found, key=lambda turn: -turn.at)


def findings(history: History) -> Iterator[str]:
    """What somebody who reads nothing else should know, the latest change first."""
    runs = "1 run" if len(history.runs) == 1 else f"{len(history.runs)} runs"
    found = turns(history)
    arms = {turn.trend.label for turn in found}
    ready = [trend for trend in history.trends if trend.told and not trend.told.wanted]
    if ready:
        yield f"Over {runs}, {len(arms) or 'none'} of {_arms(len(ready))} changed for good." + (
            "" if arms else " Nothing is known to have become slower or faster."
        )
    sentences = list(_changes(history, found))
    yield from sentences[:MOST]
    if len(sentences) > MOST:
        yield f"{len(sentences) - MOST} earlier or lesser changes are in history.csv."
    yield from _unfinished(history)
    yield from _failing(history)


def _changes(history: History, found: Sequence[Turn]) -> Iterator[str]:
    """A sentence for each; one for all that change alike at one run."""
    alike: dict[tuple[int, bool, bool], list[Turn]] = {}
    for turn in found:
        alike.setdefault((turn.at, turn.slower, bool(turn.trend.ratio)), []).append(turn)
    for (at, *_), mine in alike.items():
        if len(mine) < CROWD:
            yield from (f"{turn.trend.name} {sentence(history, turn)}." for turn in mine)
            continue
        factors = sorted(turn.factor for turn in mine)
        names = ", ".join(turn.trend.name for turn in mine[:MOST])
        more = f" and {len(mine) - MOST} more" if len(mine) > MOST else ""
        said = "; ".join(dict.fromkeys(each for turn in mine for each in circumstances(history, turn, named=True)))
        of = sum(bool(trend.ratio and at in trend.ratio.runs) for trend in history.trends)
        shared = 2 * len(mine) > of and mine[0].trend.ratio
        blame = f" Most arms changed together, so it may be the reference that did: {_reference(mine[0])}." * bool(
            shared
        )
        yield (
            f"{len(mine)} arms take {_span(mine[0].trend, factors[0], factors[-1])}, "
            f"since run {_since(history, at, said)}: {names}{more}.{blame}"
        )


def _reference(turn: Turn) -> str:
    point = turn.trend.points[turn.at]
    return point.reference if point else ""


def sentence(history: History, turn: Turn) -> str:
    """ "takes 8.1 % longer against the reference than before, since run 2026-11-20T10-00-00-1a2b (commit 0123abc)"."""
    said = "; ".join(circumstances(history, turn))
    return f"takes {_span(turn.trend, turn.factor, turn.factor)}, since run {_since(history, turn.at, said)}"


def _since(history: History, at: int, said: str) -> str:
    return f"{history.runs[at].name} ({said or 'nothing that runs record was different'})"


def _span(trend: Trend, least: float, most: float) -> str:
    """ "7.7 to 7.9 % longer against the reference than before"; beyond twice or half "3.2 times as long ... as before"."""
    measure = "against the reference" if trend.ratio else "by the clock"
    if least <= 0.5 or most >= 2:
        said = " to ".join(dict.fromkeys(numbers.count(factor, 3) for factor in (least, most)))
        return f"{said} times as long {measure} as before"
    shares = sorted(100 * abs(factor - 1) for factor in (least, most))
    said = " to ".join(dict.fromkeys(numbers.count(share) for share in shares))
    return f"{said} % {'longer' if most > 1 else 'less'} {measure} than before"


def circumstances(history: History, turn: Turn, *, named: bool = False) -> Iterator[str]:
    """What differs between the last run before a change and the first after it.

    named  whether to say whose code it is that has changed
    """
    led = turn.trend.told
    before_at = max((at for at in led.runs if at < turn.at), default=turn.at) if led else turn.at
    before, after = history.runs[before_at].setup, history.runs[turn.at].setup
    commit = differing({"commit": before.others["commit"]}, {"commit": after.others["commit"]})
    if not commit and "not recorded" not in after.others["commit"]:
        yield f"commit {after.others['commit']}"
    for each in [*commit, *differing(before.software, after.software, NOT_INSTALLED)]:
        yield f"{each.what} {each.then} → {each.now}"
    old, new = turn.trend.points[before_at], turn.trend.points[turn.at]
    if old and new and old.code and new.code and old.code != new.code:
        yield f"the code of {turn.trend.name} has changed" if named else "its code has changed"
    if old and new and turn.trend.ratio:
        bases = [history.runs[at].points.get(new.reference) for at in (before_at, turn.at)]
        codes = [base.code for base in bases if base and base.code]
        if len(codes) == 2 and codes[0] != codes[1]:
            yield "the code of the reference has changed"


def _unfinished(history: History) -> Iterator[str]:
    """How many more runs it takes before a change can be told."""
    short = [trend for trend in history.trends if trend.told and trend.told.wanted]
    if short:
        least = min(trend.told.wanted for trend in short if trend.told)
        most = max(trend.told.wanted for trend in short if trend.told)
        wanted = f"{least}" if least == most else f"{least} to {most}"
        runs = "run" if most == 1 else "runs"
        yield (
            f"{_arms(len(short))} want {wanted} more {runs} of two rounds or more before a change can be told: "
            f"it takes {LEAST}."
        )


def _failing(history: History) -> Iterator[str]:
    """Arms that the latest run could not measure, and an earlier one could."""
    for trend in history.trends:
        point = trend.points[-1]
        if point and point.status != "ok" and any(earlier and earlier.status == "ok" for earlier in trend.points):
            yield f"{trend.name} is {point.status.replace('_', ' ')} in the latest run, and was ok before: {point.reason}."


def _arms(number: int) -> str:
    return "1 arm" if number == 1 else f"{number} arms"
