"""The report of a gate as one value: its arms in order, its sentences and its commands, which every format shows."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bench.results.gate import CellVerdict, Controls, GatePlan, GateVerdict, Side, Whole, Word
from reports.compare.environments import NOT_INSTALLED, differences
from reports.gate import besides, changes, commands, text
from reports.text.columns import NOTHING
from reports.text.sanitize import one_line, plain

ORDER: tuple[Word, ...] = (
    "regressed",
    "wrong",
    "failed",
    "unmeasured",
    "missing",
    "unresolved",
    "improved",
    "ok",
    "new",
    "unavailable",
    "identical",
)
CLOCKED: tuple[Word, ...] = ("regressed", "unresolved", "improved", "ok")
STARTED: tuple[Word, ...] = (*CLOCKED, "wrong", "failed", "unmeasured")
REPEATED: tuple[Word, ...] = ("regressed", "wrong", "failed", "unmeasured", "unresolved")

Tone = Literal["bad", "open", "good", "neutral"]
TONES: Mapping[Word | Whole, Tone] = {
    "regressed": "bad",
    "wrong": "bad",
    "failed": "bad",
    "unmeasured": "bad",
    "missing": "bad",
    "unresolved": "open",
    "improved": "good",
    "ok": "good",
    "nothing to race": "good",
}

NAME = 160  # characters of the name of an arm
MOST = 3  # arms that a headline names
LISTED = 12  # arms that a sentence names
BRIEF = 60  # characters of a reason in a headline
QUIETER = "no measured time is believed; run the gate again on a quieter machine"


@dataclass(frozen=True)
class Row:
    """One arm of a gate.

    name      "linear/manual cpu eager", with workload and coordinates where another arm has the same name
    verdict   what the gate decided of it
    sentence  the same in words, name first, without a full stop
    again     the command that races this arm alone on the same sides; None where nobody needs it
    """

    name: str
    verdict: CellVerdict
    sentence: str = ""
    again: str | None = None

    @property
    def word(self) -> Word:
        """The verdict in one word."""
        return self.verdict.word

    @property
    def tone(self) -> Tone:
        """How the verdict is coloured."""
        return TONES.get(self.word, "neutral")

    @property
    def needs_sentence(self) -> bool:
        """Whether its sentence says more than the table does; arms that cannot run here share a note instead."""
        if self.word == "unavailable":
            return False
        counts = self.verdict.counts
        return bool(
            self.word != "ok"
            or self.verdict.screened
            or text.changed(self.verdict)
            or (counts and (counts.reason or besides.answer(counts.answer)))
            or any(budget.word == "unresolved" for budget in self.verdict.budgets)
        )


@dataclass(frozen=True)
class GateReport:
    """All that the report of a gate shows, made once for every format; sentences have no full stop, the headline has.

    rows        all arms: what stops the merge first, then in ORDER, of one word the slowest first
    title       "the working tree against origin/main"
    headline    the outcome in a sentence or two
    compared    what was raced against what
    controls    what the controls showed
    notes       what was left out, the controls, and how often a gate like this one errs
    resume      the command that goes on with the gate
    unfinished  whether more rounds could decide more
    """

    verdict: GateVerdict
    rows: tuple[Row, ...]
    title: str
    headline: str
    compared: tuple[str, ...]
    controls: str
    notes: tuple[str, ...]
    resume: str
    unfinished: bool

    @property
    def shown(self) -> tuple[Row, ...]:
        """The rows of tables: all but the arms whose code is the same on both sides, which a note names."""
        return tuple(row for row in self.rows if row.word != "identical")

    @property
    def tone(self) -> Tone:
        """How the outcome is coloured."""
        return TONES[self.verdict.word]


def report_of(verdict: GateVerdict) -> GateReport:
    """The report of a gate's verdict."""
    rows = _rows(verdict)
    controls = _controls(verdict.controls)
    return GateReport(
        verdict=verdict,
        rows=rows,
        title=f"{one_line(verdict.plan.head.name, 80)} against {one_line(verdict.plan.base.name, 80)}",
        headline=_headline(verdict, rows, controls),
        compared=tuple(_compared(verdict.plan)),
        controls=controls,
        notes=tuple(_notes(verdict, rows, controls)),
        resume=commands.resume(verdict.plan),
        unfinished=not verdict.complete or any(cell.word == "unresolved" for cell in verdict.cells),
    )


def side(of_it: Side) -> str:
    """ "origin/main (0123abcd)"; it says so where the side has changes that no commit has."""
    about = [" ".join(plain(of_it.commit)[:8].split()) if of_it.commit else "not committed"]
    about += ["with changes that no commit has"] if of_it.changed and of_it.commit else []
    return f"{one_line(of_it.name, 120)} ({', '.join(about)})"


def _rows(verdict: GateVerdict) -> tuple[Row, ...]:
    """All arms in order, each with a name that no other has."""
    shared = Counter(cell.cell.arm.name for cell in verdict.cells)
    return tuple(sorted((_row(verdict.plan, cell, shared) for cell in verdict.cells), key=_gravity))


def _row(plan: GatePlan, verdict: CellVerdict, shared: Mapping[str, int]) -> Row:
    arm = verdict.cell.arm
    name = one_line(arm.label if shared[arm.name] > 1 else arm.name, NAME)
    again = verdict.stops or verdict.word in REPEATED
    return Row(name, verdict, text.sentence(name, verdict), commands.repeat(plan, arm) if again else None)


def _gravity(row: Row) -> tuple[bool, int, float]:
    clocked = row.verdict.clocked
    return not row.verdict.stops, ORDER.index(row.word), -clocked.change if clocked else 0.0


def _having(rows: Sequence[Row], *words: Word) -> list[Row]:
    """The rows with one of these verdicts."""
    return [row for row in rows if row.word in words]


def _headline(verdict: GateVerdict, rows: Sequence[Row], controls: str) -> str:
    unfinished = "" if verdict.complete else " It is not complete: rounds are missing."
    return f"{verdict.word.capitalize()}: {_outcome(verdict, rows, controls)}.{unfinished}"


def _outcome(verdict: GateVerdict, rows: Sequence[Row], controls: str) -> str:
    count = len(_having(rows, *STARTED))
    arms = "1 arm" if count == 1 else f"{count} arms"
    match verdict.word:
        case "regressed":
            worse = [row for row in rows if row.verdict.stops] or _having(rows, "regressed")
            return f"{_of(len(worse), arms)} worse on the head: {_examples(worse)}"
        case "unmeasured":
            return "; ".join(_unmeasured(verdict, rows, arms, controls))
        case "wrong":
            wrong = _having(rows, "wrong")
            return f"{len(wrong)} of {arms} {'has' if len(wrong) == 1 else 'have'} a wrong answer: {_examples(wrong)}"
        case "failed":
            failed = _having(rows, "failed")
            return f"{len(failed)} of {arms} {'fails' if len(failed) == 1 else 'fail'}: {_examples(failed)}"
        case "unresolved":
            undecided = _having(rows, "unresolved")
            return f"{_of(len(undecided), arms)} not decided: {_examples(undecided)}; no regression was found"
        case "ok":
            return _passed(rows, arms)
        case "nothing to race":
            return f"no arm's code differs between base and head; {controls}"


def _passed(rows: Sequence[Row], arms: str) -> str:
    """ "3 arms raced, a slowdown of 3 % or more is excluded for each; faster: ..."."""
    timed = [row for row in _having(rows, *CLOCKED) if row.verdict.clocked]
    improved = _having(rows, "improved")
    faster = [row for row in improved if row.verdict.clocked]
    mended = [row for row in improved if not row.verdict.clocked]
    parts = [f"{arms} raced"]
    if timed:
        whom = "each" if len(timed) == len(_having(rows, *STARTED)) else f"{len(timed)} of them"
        parts[0] += f", a slowdown of {_gates(timed)} or more is excluded for {whom}"
    parts += [f"faster: {_examples(faster)}"] if faster else []
    parts += [f"mended: {_examples(mended)}"] if mended else []
    return "; ".join(parts)


def _unmeasured(verdict: GateVerdict, rows: Sequence[Row], arms: str, controls: str) -> Iterator[str]:
    """Every reason that applies, the one that concerns all arms first."""
    if verdict.controls.vetoes or (verdict.controls.names and verdict.controls.clocked is None):
        yield controls
    if missing := _having(rows, "missing"):
        yield f"the head lacks what the base has: {_names(missing, MOST)}"
    if verdict.plan.named and (new := _having(rows, "new")):
        yield f"the base does not have what was asked for: {_names(new, MOST)}"
    if untimed := _having(rows, "unmeasured"):
        yield f"{len(untimed)} of {arms} left no times that can be compared: {_examples(untimed)}"
    started = _having(rows, *STARTED)
    if started and len(_having(rows, "unresolved")) == len(started) and not verdict.controls.vetoes:
        yield f"none of the raced arms could be decided: {_examples(started)}"
    if not _having(rows, *STARTED, "missing") and (_having(rows, "unavailable") or not _having(rows, "identical")):
        rest = _having(rows, "new", "unavailable")
        yield "no arm exists on both sides and can run here" + (f": {_names(rest, MOST)}" if rest else "")


def _controls(controls: Controls) -> str:
    """What the arms showed that are the same on both sides."""
    if controls.clocked is None:
        how = "measured" if controls.names else "raced"
        return f"no controls were {how}, so it is unknown how much identical code differs here"
    change, between = changes.change(controls.clocked), changes.interval(controls.clocked)
    if controls.vetoes:
        return f"the controls, identical on both sides, differ by {change.lstrip('+-')}: {QUIETER}"
    bounds = f" ({between})" if between != NOTHING else ""
    return f"the controls, identical on both sides, differ by {change}{bounds}, which chance explains"


def _notes(verdict: GateVerdict, rows: Sequence[Row], controls: str) -> Iterator[str]:
    if identical := _having(rows, "identical"):
        yield f"Not raced, because their code is the same on both sides: {_names(identical, LISTED)}"
    absent: dict[str, list[Row]] = {}
    for row in _having(rows, "unavailable"):
        absent.setdefault(plain(text.reason(row.verdict)), []).append(row)
    for why, those in absent.items():
        yield f"Neither side can run here: {_names(those, LISTED)}{f' ({one_line(why)})' if why else ''}"
    unsteady = dict.fromkeys(name for row in rows if row.verdict.counts for name in row.verdict.counts.unsteady)
    if unsteady:
        names = _few([one_line(name.replace("_", " "), BRIEF) for name in unsteady], LISTED)
        yield f"Counters not compared, because two countings of the base differed: {names}"
    if not (verdict.word == "nothing to race" or (verdict.word == "unmeasured" and verdict.controls.vetoes)):
        yield f"{controls[0].upper()}{controls[1:]}"
    if _having(rows, *CLOCKED) and not verdict.controls.vetoes:
        if verdict.smallest_detectable and math.isfinite(verdict.smallest_detectable):
            smallest = changes.rough(verdict.smallest_detectable)
            yield f"A gate like this one catches a slowdown of {smallest} in 80 of 100 cases (median over the arms)"
        wrong = changes.rough(verdict.family_error)
        yield f"Where nothing has changed, at most {wrong} of such gates call anything a regression"


def _compared(plan: GatePlan) -> Iterator[str]:
    """Names and commits of both sides, the notes of the plan, and each version that differs."""
    yield f"Base: {side(plan.base)}"
    yield f"Head: {side(plan.head)}"
    for note in plan.notes:
        yield f"Note: {one_line(note).rstrip('.')}"
    for version in differences(plan.base.versions, plan.head.versions, NOT_INSTALLED):
        yield f"Note: {one_line(f'{version.what} is {version.then} on the base, {version.now} on the head')}"


def _short(row: Row) -> str:
    """An arm and the one thing to know of it: "linear/manual cpu eager (+7.3 %)"."""
    bad = {name: counter for name, counter in text.changed(row.verdict).items() if counter.bad}
    about = one_line(text.listed(bad) if bad else plain(text.reason(row.verdict)), BRIEF)
    if not about and row.verdict.clocked:
        about = changes.change(row.verdict.clocked)
    return f"{row.name} ({about})" if about else row.name


def _examples(rows: Sequence[Row]) -> str:
    return _few([_short(row) for row in rows], MOST)


def _names(rows: Sequence[Row], most: int) -> str:
    return _few([row.name for row in rows], most)


def _few(names: Sequence[str], most: int) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _of(some: int, arms: str) -> str:
    return f"{some} of {arms} {'is' if some == 1 else 'are'}"


def _gates(rows: Sequence[Row]) -> str:
    """ "3 %", or "3 % to 10 % (each arm has its own)"."""
    gates = sorted({row.verdict.cell.margins.gate for row in rows})
    ends = " to ".join(changes.margin(gate) for gate in dict.fromkeys((gates[0], gates[-1])))
    return ends if len(gates) < 2 else f"{ends} (each arm has its own)"
