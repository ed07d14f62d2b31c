"""What is said of a gate as a whole: one headline, what was compared, what the controls said. Apart from single arms."""

import math
from collections.abc import Iterator, Sequence

from bench.results.gate import GateVerdict, Side
from reports.compare.environments import differing
from reports.gate import words
from reports.gate.rows import CLOCKED, RUN, Row, cut, of, rows
from reports.run.columns import NOTHING
from reports.text.numbers import plain

MOST = 3  # arms that a headline names
LISTED = 12  # arms that a sentence names
BRIEF = 60  # letters of a reason in a headline
QUIETER = "no clock is believed; run it again on a quieter machine"


def headline(verdict: GateVerdict) -> str:
    """The whole in a sentence or two: what CI says last."""
    found = rows(verdict)
    unfinished = "" if verdict.complete else " It is not complete: rounds are missing."
    return f"{verdict.word.capitalize()}: {_why(verdict, found)}.{unfinished}"


def _why(verdict: GateVerdict, found: Sequence[Row]) -> str:
    raced = len(of(found, *RUN))
    arms = "1 arm" if raced == 1 else f"{raced} arms"
    match verdict.word:
        case "regressed":
            worse = [row for row in found if row.found.stops] or of(found, "regressed")
            return f"{_of(len(worse), arms)} worse on the head: {_named(worse)}"
        case "unmeasured":
            return "; ".join(_unmeasured(verdict, found, arms))
        case "wrong":
            wrong = of(found, "wrong")
            return f"{len(wrong)} of {arms} {'has' if len(wrong) == 1 else 'have'} a wrong answer: {_named(wrong)}"
        case "failed":
            failed = of(found, "failed")
            return f"{len(failed)} of {arms} {'fails' if len(failed) == 1 else 'fail'}: {_named(failed)}"
        case "unresolved":
            open_ = of(found, "unresolved")
            return f"{_of(len(open_), arms)} not decided: {_named(open_)}; no regression was found"
        case "ok":
            better = of(found, "improved")
            faster = [row for row in better if row.found.clocked]
            mended = [row for row in better if not row.found.clocked]
            said = f"{arms} raced"
            if clocked := [row for row in of(found, *CLOCKED) if row.found.clocked]:
                whom = "each" if len(clocked) == raced else f"{len(clocked)} of them"
                said += f", a slowdown of {_gates(clocked)} or more is excluded for {whom}"
            said += f"; faster: {_named(faster)}" if faster else ""
            return said + (f"; mended: {_named(mended)}" if mended else "")
        case "nothing to race":
            return f"no arm's code differs between base and head; {controls(verdict)}"


def _unmeasured(verdict: GateVerdict, found: Sequence[Row], arms: str) -> Iterator[str]:
    """Every reason that applies, the one that concerns all arms first."""
    seen = verdict.controls
    if seen.vetoes or (seen.names and seen.clocked is None):
        yield controls(verdict)
    if missing := of(found, "missing"):
        yield f"the head does not have what the base has: {_names(missing, MOST)}"
    if verdict.plan.named and (new := of(found, "new")):
        yield f"the base does not have what was asked for: {_names(new, MOST)}"
    if timeless := of(found, "unmeasured"):
        yield f"{len(timeless)} of {arms} left no times that can be compared: {_named(timeless)}"
    raced = of(found, *RUN)
    if raced and len(of(found, "unresolved")) == len(raced) and not seen.vetoes:
        yield f"not one of the arms that were raced could be decided: {_named(raced)}"
    if not of(found, *RUN, "missing") and (of(found, "unavailable") or not of(found, "identical")):
        rest = of(found, "new", "unavailable")
        yield "there is nothing that both sides have and can run" + (f": {_names(rest, MOST)}" if rest else "")


def controls(verdict: GateVerdict) -> str:
    """What cells showed whose truth is 0."""
    seen = verdict.controls
    if seen.clocked is None:
        return (
            f"no controls were {'measured' if seen.names else 'raced'}, so nothing says what identical code does here"
        )
    off = words.change(seen.clocked).lstrip("+-")
    if seen.vetoes:
        return f"the controls, identical on both sides, differ by {off}: {QUIETER}"
    between = words.interval(seen.clocked)
    told = f" ({between})" if between != NOTHING else ""
    return f"the controls, identical on both sides, differ by {words.change(seen.clocked)}{told}, as chance allows"


def notes(verdict: GateVerdict) -> Iterator[str]:
    """What else to know, as sentences: what was left out, what the controls said, how often such a gate is wrong."""
    found = rows(verdict)
    if identical := of(found, "identical"):
        yield f"Not raced, for their code is the same on both sides: {_names(identical, LISTED)}"
    absent: dict[str, list[Row]] = {}
    for row in of(found, "unavailable"):
        absent.setdefault(words.reason(row.found), []).append(row)
    for why, those in absent.items():
        yield f"Neither side can run here: {_names(those, LISTED)}{f' ({cut(why)})' if why else ''}"
    unsteady = {name: None for row in found if row.found.counts for name in row.found.counts.unsteady}
    if unsteady:
        named = _few([cut(name.replace("_", " "), BRIEF) for name in unsteady], LISTED)
        yield f"Not compared where two countings of the base differed: {named}"
    if not (verdict.word == "nothing to race" or (verdict.word == "unmeasured" and verdict.controls.vetoes)):
        said = controls(verdict)
        yield f"{said[0].upper()}{said[1:]}"
    if of(found, *CLOCKED) and not verdict.controls.vetoes:
        if verdict.smallest_detectable and math.isfinite(verdict.smallest_detectable):
            could = words.rough(verdict.smallest_detectable)
            yield f"Of gates like this one, 80 in 100 catch a slowdown of {could} (median over the arms)"
        yield f"Where nothing has changed, at most {words.rough(verdict.family_error)} of them call anything a regression"


def compared(verdict: GateVerdict) -> Iterator[str]:
    """What was raced against what: names, commits, versions that differ."""
    base, head = verdict.plan.base, verdict.plan.head
    yield f"Base: {side(base)}"
    yield f"Head: {side(head)}"
    versions = (
        f"{each.what} is {each.then} on the base, {each.now} on the head"
        for each in differing(base.versions, head.versions, "not installed")
    )
    for note in dict.fromkeys([*verdict.plan.notes, *versions]):  # the plan may have said them already
        yield f"Note: {cut(note).rstrip('.')}"


def title(verdict: GateVerdict) -> str:
    """ "the working tree against origin/main"."""
    return f"{cut(verdict.plan.head.name, 80)} against {cut(verdict.plan.base.name, 80)}"


def side(of_it: Side) -> str:
    """ "origin/main (0123abcd)"; with changes, where no commit has them."""
    about = [" ".join(plain(of_it.commit)[:8].split()) if of_it.commit else "not committed"]
    about += ["with changes that no commit has"] if of_it.changed and of_it.commit else []
    return f"{cut(of_it.name, 120)} ({', '.join(about)})"


def short(row: Row) -> str:
    """An arm and the one thing to know of it: "linear/manual cpu eager (+7.3 %)"."""
    found = row.found
    bad = {name: each for name, each in words.changed(found).items() if each.bad}
    about = cut(words.listed(bad) if bad else words.reason(found), BRIEF)
    if not about and found.clocked:
        about = words.change(found.clocked)
    return f"{row.name} ({about})" if about else row.name


def _named(found: Sequence[Row]) -> str:
    return _few([short(row) for row in found], MOST)


def _names(found: Sequence[Row], most: int) -> str:
    return _few([row.name for row in found], most)


def _few(names: Sequence[str], most: int) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _of(some: int, arms: str) -> str:
    return f"{some} of {arms} {'is' if some == 1 else 'are'}"


def _gates(found: Sequence[Row]) -> str:
    """ "3 %", or "3 % to 10 % (each arm's own)"."""
    gates = sorted({row.found.cell.margins.gate for row in found})
    ends = " to ".join(words.margin(gate) for gate in dict.fromkeys((gates[0], gates[-1]))) if gates else "its gate"
    return ends if len(gates) < 2 else f"{ends} (each arm has its own)"
