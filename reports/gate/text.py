"""Puts the verdict of one arm into words: sentences, and the numbers that stand in tables."""

import math
from collections.abc import Mapping

from bench.results.gate import CellVerdict, Count, Counts, Reason, Word
from reports.gate import besides, changes
from reports.text.columns import NOTHING
from reports.text.numbers import THIN, number
from reports.text.sanitize import one_line, plain

CONFIRMED = "confirmed by fresh processes"
PASSED: Mapping[Word, str] = {  # a counter that may change is a reason to look; the measured time decides
    "ok": ": the measured time passed",
    "improved": ": the measured time passed",
    "unresolved": ": the measured time is not decided",
}


def sentence(name: str, verdict: CellVerdict) -> str:
    """ "linear/manual cpu eager is slower by 7.3 %, ...", without a full stop at its end."""
    text = statement(verdict)
    return f"{name}{' is ' if text.startswith(('slower', 'faster')) else ': '}{text}"


def statement(verdict: CellVerdict) -> str:
    """What is said after the name of the arm: counters that fail by themselves, the verdict, then all other counters."""
    bad = {name: counter for name, counter in changed(verdict).items() if counter.bad}
    others = {name: counter for name, counter in changed(verdict).items() if not counter.bad}
    counts = verdict.counts or Counts()
    parts = [
        f"{listed(bad)}: fails by itself{_because(', '.join(counts.breaks))}" if bad else "",
        _outcome(verdict),
        besides.slower_phases(verdict),
        listed(others) + PASSED.get(verdict.word, "") if others else "",
        f"nothing could be counted{_because(counts.reason)}" if counts.reason and verdict.word != "unavailable" else "",
        "" if _blamed(verdict, "answer") else besides.answer(counts.answer, counts.base_answer),
        *(besides.budget_sentence(budget) for budget in verdict.budgets if budget.word == "unresolved"),
    ]
    return one_line("; ".join(filter(None, parts)))


def reason(verdict: CellVerdict, *, counters: bool = False) -> str:
    """Why, where measured times alone do not say it; empty where they do.

    counters  whether counters that fail by themselves are named; sentences give their numbers instead
    """
    return "; ".join(_phrase(verdict, each) for each in verdict.reasons if counters or each.cause != "counter")


def _blamed(verdict: CellVerdict, cause: str) -> bool:
    """Whether this is a reason of the verdict."""
    return any(reason.cause == cause for reason in verdict.reasons)


def _phrase(verdict: CellVerdict, reason: Reason) -> str:
    counts = verdict.counts or Counts()
    match reason.cause:
        case "phase":
            return f"{reason.what} is slower"
        case "memory":
            return besides.more_memory(verdict)
        case "answer":
            return besides.answer(counts.answer, counts.base_answer)
        case "budget":
            return besides.over_budget(verdict, reason.what)
        case "counter":
            return f"more {reason.what.replace('_', ' ')}"
        case "ended":
            return f"{reason.what}{f' on the {reason.role}' if reason.role else ''}: {reason.detail}"
        case "mended":
            return "right on the head"
        case "workload":
            return "the head's workload, which judges both sides, is not the base's"
        case "data":
            return "the sides were given different data, so their times cannot be compared"
        case "times":
            return "no round left times that can be compared"
        case "controls":
            return "the controls differ, so measured times are not believed"
        case "counting":
            return reason.detail


def _outcome(verdict: CellVerdict) -> str:
    """The verdict with its numbers or its reason."""
    why = plain(reason(verdict))
    match verdict.word:
        case "regressed" if verdict.timed:
            return "; ".join(filter(None, (_proved(verdict, "slower"), why)))
        case "regressed" | "improved" if verdict.reasons:
            time = f"measured time {changes.measured(verdict.clocked)}" if verdict.clocked else ""
            return "; ".join(filter(None, (why, time)))
        case "regressed":
            return _proved(verdict, "slower")
        case "improved":
            return _proved(verdict, "faster")
        case "ok":
            excluded = f"a slowdown of {changes.margin(verdict.cell.margins.gate)} or more is excluded"
            return f"{changes.measured(verdict.clocked)}: {excluded}{_screened(verdict)}"
        case "unresolved":
            return f"{changes.measured(verdict.clocked)}: {why or _needed(verdict)}{_screened(verdict)}"
        case "wrong":
            right = verdict.stops and not _blamed(verdict, "answer")
            return (why or "a wrong answer") + "; right on the base" * right
        case "failed":
            return (why or "it fails") + ("; it runs on the base" if verdict.stops else "")
        case "unmeasured":
            return why or "there are no times that can be compared"
        case "unavailable":
            return f"neither side can run it here{_because(why)}"
        case "new":
            return "the base does not have it, so there is nothing to compare it with"
        case "missing":
            return "the head no longer has it, so it cannot be compared"
        case "identical":
            return "its code is the same on both sides, so it was not raced"


def _proved(verdict: CellVerdict, how: str) -> str:
    """ "slower by 7.3 %, 95 % interval 5.1 to 9.6; confirmed by fresh processes"."""
    clocked = verdict.clocked
    if clocked is None:
        return how
    if changes.is_times(clocked):
        what, between = (
            f"{how}: {number(1 + clocked.change, changes.half(clocked))} times as long",
            changes.interval(clocked),
        )
    else:
        sign = -1 if how == "faster" else 1
        what = f"{how} by {number(100 * sign * clocked.change, 100 * changes.half(clocked))} %"
        ends = sorted(100 * sign * end for end in (clocked.low, clocked.high) if end is not None)
        between = " to ".join(number(end, 100 * changes.half(clocked)) for end in ends) or NOTHING
    text = what if between == NOTHING else f"{what}, 95 % interval {between}"
    return f"{text}; {CONFIRMED}" if verdict.screened else text


def _needed(verdict: CellVerdict) -> str:
    needed, could = verdict.minutes_to_resolve, verdict.smallest_detectable
    caught = f"; a slowdown of {changes.rough(could)} would have been caught" if could and math.isfinite(could) else ""
    if needed is None or not math.isfinite(needed):
        return f"how much longer it needs cannot be estimated{caught}"
    return f"{minutes(needed)}{caught}"


def minutes(needed: float) -> str:
    """ "about 4 more minutes decide it", in hours from two on."""
    if needed >= 120:
        return f"about {math.ceil(needed / 60)} more hours decide it"
    return f"about {math.ceil(needed)} more minutes decide it" if needed > 1 else "about a minute more decides it"


def _screened(verdict: CellVerdict) -> str:
    if verdict.screened is None:
        return ""
    return f"; the screening measured {changes.change(verdict.screened)}, which fresh processes do not confirm"


def _because(reason: str) -> str:
    return f": {plain(reason)}" if reason.strip() else ""


def changed(verdict: CellVerdict) -> dict[str, Count]:
    """The counters that differ between the sides, those that fail by themselves first."""
    counters = verdict.counts.counters.items() if verdict.counts else ()
    differing = [(name, counter) for name, counter in counters if counter.base != counter.head]
    return dict(sorted(differing, key=lambda pair: not pair[1].bad))


def listed(counters: Mapping[str, Count]) -> str:
    """ "operations 412 -> 436, allocations 3 -> 4"; a dash for none."""
    texts = [f"{plain(name).replace('_', ' ')} {' -> '.join(sides(counter))}" for name, counter in counters.items()]
    return ", ".join(texts) or NOTHING


def sides(counter: Count) -> tuple[str, str]:
    """A counter on the base and on the head, with enough digits to tell them apart."""
    for digits in (6, 17):
        base, head = (_exact(value, digits) for value in (counter.base, counter.head))
        if base != head:
            break
    return base, head


def _exact(value: float | None, digits: int) -> str:
    if value is None or not math.isfinite(value):
        return "not counted"
    return f"{value:,.0f}".replace(",", THIN) if float(value).is_integer() else f"{value:.{digits}g}"
