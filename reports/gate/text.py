"""Puts the verdict of one arm into words: sentences, and the numbers that stand in tables."""

import math
from collections.abc import Mapping

from bench.results.gate import CellVerdict, Clocked, Count, Counts, Reason, Word
from bench.results.record import Answer
from reports.text.columns import NOTHING
from reports.text.numbers import THIN, count, number
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
        listed(others) + PASSED.get(verdict.word, "") if others else "",
        f"nothing could be counted{_because(counts.reason)}" if counts.reason and verdict.word != "unavailable" else "",
        answer(counts.answer),
    ]
    return one_line("; ".join(filter(None, parts)))


def answer(judged: Answer | None) -> str:
    """What the update of a step computes on the head, where that is not what it computes on the base; else empty."""
    if judged is None or judged.word in ("identical", "same", "closer"):
        return ""
    if judged.word == "same in distribution":
        return "the update draws other random numbers than the base's, of the same distribution"
    if judged.word in ("undecidable", "unjudged"):
        return f"whether the update still computes the same is not known{_because(judged.reason)}"
    size = f": {judged.bits_lost:.0f} bits" if judged.bits_lost and math.isfinite(judged.bits_lost) else ""
    where = f", {plain(judged.tensor)}" if judged.tensor else ""
    if judged.word == "coarser":
        return f"the update rounds more coarsely than the base's{size}{where}"
    return f"the update computes something else than the base's{size}{where}"


def reason(verdict: CellVerdict, *, counters: bool = False) -> str:
    """Why, where measured times alone do not say it; empty where they do.

    counters  whether counters that fail by themselves are named; sentences give their numbers instead
    """
    return "; ".join(_phrase(each) for each in verdict.reasons if counters or each.cause != "counter")


def _phrase(reason: Reason) -> str:
    match reason.cause:
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
        case "regressed" | "improved" if verdict.reasons:
            time = f"measured time {measured(verdict.clocked)}" if verdict.clocked else ""
            return "; ".join(filter(None, (why, time)))
        case "regressed":
            return _proved(verdict, "slower")
        case "improved":
            return _proved(verdict, "faster")
        case "ok":
            excluded = f"a slowdown of {margin(verdict.cell.margins.gate)} or more is excluded"
            return f"{measured(verdict.clocked)}: {excluded}{_screened(verdict)}"
        case "unresolved":
            return f"{measured(verdict.clocked)}: {why or _needed(verdict)}{_screened(verdict)}"
        case "wrong":
            return (why or "a wrong answer") + ("; right on the base" if verdict.stops else "")
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
    if is_times(clocked):
        what, between = f"{how}: {number(1 + clocked.change, half(clocked))} times as long", interval(clocked)
    else:
        sign = -1 if how == "faster" else 1
        what = f"{how} by {number(100 * sign * clocked.change, 100 * half(clocked))} %"
        ends = sorted(100 * sign * end for end in (clocked.low, clocked.high) if end is not None)
        between = " to ".join(number(end, 100 * half(clocked)) for end in ends) or NOTHING
    text = what if between == NOTHING else f"{what}, 95 % interval {between}"
    return f"{text}; {CONFIRMED}" if verdict.screened else text


def _needed(verdict: CellVerdict) -> str:
    needed, could = verdict.minutes_to_resolve, verdict.smallest_detectable
    caught = f"; a slowdown of {rough(could)} would have been caught" if could and math.isfinite(could) else ""
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
    return f"; the screening measured {change(verdict.screened)}, which fresh processes do not confirm"


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


def half(clocked: Clocked) -> float:
    """Half the interval, as a fraction of the base's time; infinite without one."""
    return math.inf if clocked.low is None or clocked.high is None else (clocked.high - clocked.low) / 2


def is_times(clocked: Clocked) -> bool:
    """Whether it is shown as a multiple: from twice as long on, and from half as long down."""
    return not -0.5 < clocked.change < 1


def change(clocked: Clocked | None) -> str:
    """ "+7.3 %", or "x 3.20" beyond twice or half; a dash for None."""
    if clocked is None or not math.isfinite(clocked.change):
        return NOTHING
    if is_times(clocked):
        return f"x {number(1 + clocked.change, half(clocked))}"
    return f"{signed(100 * clocked.change, 100 * half(clocked))} %"


def interval(clocked: Clocked | None, unit: str = "") -> str:
    """ "+5.1 to +9.6", in the same form as `change`, with a unit where it has one; a dash for no interval."""
    if clocked is None or clocked.low is None or clocked.high is None or not math.isfinite(half(clocked)):
        return NOTHING
    if is_times(clocked):
        return " to ".join(number(1 + end, half(clocked)) for end in (clocked.low, clocked.high))
    return " to ".join(signed(100 * end, 100 * half(clocked)) for end in (clocked.low, clocked.high)) + unit


def measured(clocked: Clocked | None) -> str:
    """ "+0.4 % (-0.9 to +1.7)"."""
    if clocked is None or change(clocked) == NOTHING:
        return "no time"
    between = interval(clocked)
    return f"{change(clocked)} ({'no interval yet' if between == NOTHING else between})"


def signed(value: float, half_width: float) -> str:
    """With its sign, but for what is nothing in the digits that it has."""
    text = number(abs(value), half_width)
    return f"{'-' if value < 0 else '+'}{text}" if text.strip("0.") else text


def margin(fraction: float) -> str:
    """ "3 %": what somebody has set."""
    return f"{round(100 * fraction, 4):g} %"


def rough(fraction: float) -> str:
    """ "8.1 %": what was computed, in two digits."""
    return f"{100 * fraction:.2g} %" if fraction < 0.99 else f"{count(100 * fraction)} %"
