"""Puts into words what a gate says of an arm besides the time of its whole update: phases, memory, answer, budgets."""

import math
from collections.abc import Callable

from bench.results.gate import Budget, CellVerdict, Counts, Memory, Phase
from bench.results.record import Answer
from reports.gate.changes import change, margin, measured
from reports.text.columns import NOTHING
from reports.text.numbers import seconds, size
from reports.text.sanitize import plain

FINE = ("identical", "same", "closer")


def answer(judged: Answer | None, base: Answer | None = None) -> str:
    """What the update of a step computes on the head, where that is not what it computes on the base; else empty.

    base  the base's own answer, where it was judged too
    """
    if judged is None or judged.word in FINE:
        return ""
    if judged.word == "same in distribution":
        return "the update draws other random numbers than the base's, of the same distribution"
    if judged.word in ("undecidable", "unjudged"):
        return f"whether the update still computes the same is not known{f': {plain(judged.reason)}' * bool(judged.reason)}"
    where = f", {plain(judged.tensor)}" if judged.tensor else ""
    if judged.word == "coarser":
        told = f"the update rounds more coarsely than the base's: {bits(judged)}{where}"
    else:
        told = f"the update computes something else than the base's: {bits(judged)}{where}"
    return told + (f"; {bits(base)} on the base" if base else "")


def bits(judged: Answer) -> str:
    """ "12 bits lost", or the judge's word where no bits are known."""
    if judged.bits_lost is None or not math.isfinite(judged.bits_lost):
        return judged.word
    return f"{max(0.0, judged.bits_lost):.1f} bits lost"


def column_of_bits(counts: Counts | None) -> str:
    """The answer for a table: "identical", "0.3 bits", "different"; a dash where it was not judged."""
    judged = counts.answer if counts else None
    if judged is None:
        return NOTHING
    if judged.word == "different" or judged.bits_lost is None:
        return judged.word
    return f"{max(0.0, judged.bits_lost):.1f} bits"


def of_memory(memory: Memory | None) -> str:
    """ "1.20 MB -> 1.35 MB", or one value where both sides need the same; a dash for None."""
    if memory is None:
        return NOTHING
    base, head = size(memory.base), size(memory.head)
    return head if base == head else f"{base} -> {head}"


def more_memory(verdict: CellVerdict) -> str:
    """ "an update needs 13.5 MB of memory instead of 12.0 MB: 12 % more, and less than 10 % is allowed"."""
    used = verdict.memory
    if used is None:
        return "an update needs more memory"
    more = f"{100 * (used.head / used.base - 1):.0f} % more, and " if used.base else ""
    allowed = f"{margin(verdict.cell.margins.memory)} is allowed"
    return f"an update needs {size(used.head)} of memory instead of {size(used.base)}: {more}{allowed}"


def over_budget(verdict: CellVerdict, what: str) -> str:
    """ "an update takes 6.21 ms (6.10 to 6.33), and at most 5 ms are allowed"."""
    found = next((budget for budget in verdict.budgets if budget.what == what), None)
    return budget_sentence(found) if found else f"the budget of {what} is broken"


def budget_sentence(budget: Budget) -> str:
    """What a budget says and what was measured."""
    shown: Callable[[float], str] = seconds if budget.what == "time" else size
    between = ""
    if budget.low is not None and budget.high is not None and budget.low < budget.high:
        between = f" ({shown(budget.low)} to {shown(budget.high)})"
    verb = "takes" if budget.what == "time" else "needs"
    told = {
        "kept": "which keeps the budget of",
        "broken": "more than the budget of",
        "unresolved": "and whether that is within the budget is not decided:",
    }
    return f"an update {verb} {shown(budget.value)}{between}, {told[budget.word]} {shown(budget.most)}"


def phase_sentence(name: str, phase: Phase) -> str:
    """ "backward is slower by +10.4 % (+9.1 to +11.7), which is 31 % of the update"."""
    part = "beside the update" if name == "data" else f"{100 * phase.share:.2g} % of the update"
    return f"{name} {measured(phase.clocked)}, {part}"


def slower_phases(verdict: CellVerdict) -> str:
    """The phases that are slower: those with that verdict, and of an update that is slower those proved to be above 0."""
    slower = {
        name: phase
        for name, phase in verdict.phases.items()
        if phase.word == "regressed" or (verdict.timed and phase.clocked and (phase.clocked.low or 0.0) > 0)
    }
    return "slower phases: " + ", ".join(phase_sentence(*each) for each in slower.items()) if slower else ""


def slowest_phase(verdict: CellVerdict) -> str:
    """The judged phase with the greatest change, for a table: "backward +10.4 %"; a dash where there is none."""
    judged = {name: phase.clocked for name, phase in verdict.phases.items() if phase.word != "small" and phase.clocked}
    if not judged:
        return NOTHING
    name, clocked = max(judged.items(), key=lambda each: each[1].change)
    return f"{name} {change(clocked)}"
