"""Where updates go, in words: a sentence an arm with advice, tables for screen and Markdown, values for the JSON document."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from rich.console import RenderableType
from rich.text import Text

from bench.results.profile import Energy
from reports.profile.attribution import (
    AUTOGRAD,
    BACKWARD,
    CALL,
    COMPILED,
    COPIES,
    DEVICE,
    DISPATCH,
    ENTRY,
    FETCHING,
    FLOOR,
    FORWARD,
    GAPS,
    INTERPRETER,
    KERNELS,
    OPTIMIZER,
    ORDER,
    PASSES,
    STEADY,
    STEP,
    UNEXPLAINED,
    WAITING,
    WATCHING,
    WHATEVER,
    Attribution,
    Part,
)
from reports.run.columns import Column, cells, heads
from reports.run.markdown import escape
from reports.run.markdown import table as markdown_table
from reports.run.terminal import indented
from reports.run.terminal import table as terminal_table
from reports.text import numbers
from reports.text.numbers import plain

# What each part is called in a sentence, and what can be done about it where it is the largest.
ADVICE = {
    INTERPRETER: ("the interpreter", "put the loop itself into compiled code, or capture it"),
    CALL: ("the call itself", "make more updates in one call"),
    DISPATCH: ("dispatch", "compile it, or capture it: fewer operations, and larger ones"),
    AUTOGRAD: ("autograd's own work", "write the gradient out, or trace it into the compiled update"),
    OPTIMIZER: ("the optimizer's own work", "change the weights in place by hand, or compile the step"),
    ENTRY: ("entering compiled code", "make several updates in one call: unroll them, or compile the loop itself"),
    STEADY: ("kernels that would take as long without data", "fewer, larger kernels: a persistent one at best"),
    FETCHING: ("fetching rows", "lay the rows out in their order beforehand, or fetch whole batches by one indexing"),
    COPIES: ("copying", "keep the data where they are used, and write results in place"),
    WAITING: ("waiting for the device", "read results less often: every number that is looked at waits"),
    GAPS: ("the device standing idle", "capture the update as a CUDA graph, or put it into one kernel"),
    FLOOR: ("reading the data once", "nothing is left but fewer bytes: another dtype, or another algorithm"),
    FORWARD: ("the forward pass", "fuse the operations: compile the update, or write results in place"),
    BACKWARD: ("the backward pass", "write the gradient out and fuse it with the forward pass: compile both"),
    STEP: ("the optimizer", "fuse what it does: fused=True, foreach=True, or compile the step"),
    COMPILED: ("compiled kernels", "let both sums be taken in one pass, or ask the compiler for more (max-autotune)"),
    KERNELS: ("more passes over the data, and arithmetic", "take both sums in one pass, and let it be vectorised"),
    DEVICE: ("kernels on the device", "fuse them: fewer passes over the data"),
    WATCHING: ("watching", "look less often"),
    UNEXPLAINED: ("not explained", "profile again on a quieter machine"),
}
DISTURBED, UNSURE, REVERSED = 0.2, 0.1, 1.1  # from where on an attribution is doubted


def sentence(attribution: Attribution) -> str:
    """ "92 % of an update is dispatch: compile it": the largest family of parts, the largest part of it, what can be done."""
    families = [WHATEVER, PASSES, *((name,) for name in ADVICE if name not in (*WHATEVER, *PASSES))]
    family = max(families, key=lambda names: sum(abs(attribution.share(name)) for name in names))
    first = max(family, key=lambda name: abs(attribution.share(name)))
    share, own = attribution.share(*family), attribution.share(first)
    name, advice = ADVICE[first]
    if family == (UNEXPLAINED,):
        return f"{percent(share)} of an update is {name}: {advice}."
    if attribution.algorithmic and family == WHATEVER:
        return f"{percent(share)} of an update has nothing to do with the size of the data: all that is left is arithmetic."
    if family == WHATEVER:
        said = f"{percent(share)} of an update has nothing to do with the size of the data"
        said += f", {percent(own)} is {name}" if share - own >= 0.01 else f": it is {name}"
    elif family == PASSES:
        beyond = " beyond reading them once" if attribution.share(FLOOR) else ""
        said = f"{percent(share)} of an update is work on the data{beyond}"
        said += f", {percent(own)} in {name}" if share - own >= 0.01 and first != KERNELS else ""
        if attribution.readings:
            said += f", as if they were read {numbers.times(attribution.readings)}"
    else:
        said = f"{percent(share)} of an update is {name}"
    return f"{said}: {advice}."


def doubts(attribution: Attribution) -> Iterator[str]:
    """Why an attribution should be believed less than others, in sentences."""
    if abs(attribution.unexplained) > UNSURE:
        yield (
            f"{percent(attribution.unexplained)} of the update of {attribution.arm.name} is not explained: "
            "the machine was another one while it was profiled, as far as its speed goes. Profile it again."
        )
    if attribution.without > REVERSED:
        yield (
            f"{attribution.arm.name} took {numbers.times(attribution.without)} as long with next to no data as with all of "
            "it: the machine was slower just then, so that too little is said to be work on the data. Profile it again."
        )
    if attribution.disturbed > DISTURBED:
        yield (
            f"The profiler slowed {attribution.arm.name} down by {percent(attribution.disturbed)} beyond what its own events "
            "explain: what the data cost is shared out less surely than the rest."
        )


def joules(energy: Energy) -> str:
    """ "460 ± 30 µJ": within the counter's resolution; what cannot be told from nothing says so."""
    if energy.joules <= energy.resolution:
        scale, unit = _joules(energy.resolution)
        return f"less than {numbers.count((max(0.0, energy.joules) + energy.resolution) / scale)} {unit}"
    scale, unit = _joules(energy.joules)
    off = energy.resolution / scale
    return f"{numbers.number(energy.joules / scale, off)} ± {numbers.number(off, off)} {unit}"


def of_what(energy: Energy) -> str:
    """What these joules are, to stand after them."""
    return f"an update above what {plain(energy.device)} draws when idle"


def _joules(least: float) -> tuple[float, str]:
    units = ((1.0, "J"), (1e-3, "mJ"), (1e-6, "µJ"), (1e-9, "nJ"))
    return next((unit for unit in units if least >= unit[0]), units[-1])


def document(attribution: Attribution) -> dict[str, Any]:
    """An attribution as the JSON document holds it; times in seconds an update, energy in joules an update or null."""
    return {
        "implementation": attribution.arm.implementation,
        "setting": vars(attribution.arm.setting),
        "measured": attribution.measured.value,
        "parts": [{"name": part.name, "seconds": part.seconds, "how": part.how} for part in attribution.parts],
        "unexplained": attribution.unexplained,
        "pace": attribution.pace,
        "readings": attribution.readings,
        "energy": msgspec.to_builtins(attribution.energy),
        "sentence": sentence(attribution),
    }


PARTS: tuple[Column[tuple[Attribution, Part]], ...] = (
    Column("share", "of what the race measured", lambda row, _: percent(row[1].seconds / row[0].measured.value)),
    Column("seconds", "an update", lambda row, _: signed(row[1].seconds) or "0"),
    Column("part", "what they go into", lambda row, _: row[1].name, right=False),
    Column("how", "it was obtained", lambda row, _: row[1].how, right=False, wraps=True),
)


def terminal(attributions: Sequence[Attribution], width: int, *, how: bool = False) -> Iterator[RenderableType]:
    """Of each arm its time, its sentence and its shares, and what to doubt.

    how  whether each part stands on a line of its own, with how it was obtained
    """
    for one in attributions:
        yield Text()
        yield Text(f"{plain(one.arm.name)}: {numbers.seconds(one.measured.value)} an update", style="bold")
        yield indented(plain(sentence(one)))
        if how:
            yield Text()
            body = [cells(PARTS, (one, part)) for part in one.parts]
            yield from terminal_table(PARTS, heads(PARTS), body, width)
        else:
            yield indented(shares(one), style="dim")
        if one.energy:
            yield indented(f"{joules(one.energy)} {of_what(one.energy)}", style="dim")
        for doubt in doubts(one):
            yield indented(plain(doubt), style="yellow")


def markdown(attributions: Sequence[Attribution]) -> list[str]:
    """Lines of Markdown: a sentence an arm, then a table of seconds an update with a row an arm, and what to doubt."""
    if not attributions:
        return []
    columns = [
        Column[Attribution]("arm", "", lambda one, _: one.arm.name, right=False),
        Column[Attribution]("update", "", lambda one, _: numbers.seconds(one.measured.value)),
        *(_column(name) for name in ORDER if any(one.share(name) for one in attributions)),
    ]
    body = [cells(columns, one) for one in attributions]
    lines = [f"- {escape(one.arm.name)}: {escape(_said(one))}" for one in attributions]
    doubtful = [f"> {escape(doubt)}" for one in attributions for doubt in doubts(one)]
    return [*lines, "", *markdown_table(columns, heads(columns), body), "", *doubtful, *([""] if doubtful else [])]


def _said(one: Attribution) -> str:
    return f"{sentence(one)} It takes {joules(one.energy)} {of_what(one.energy)}." if one.energy else sentence(one)


def _column(name: str) -> Column[Attribution]:
    return Column(name, "", lambda one, _: signed(sum(part.seconds for part in one.parts if part.name == name)))


def shares(attribution: Attribution) -> str:
    """ "interpreter 48 %, dispatch 10 %, ...": every part of one per cent or more, the largest first."""
    said = {part.name: part.seconds / attribution.measured.value for part in attribution.parts}
    large = sorted((name for name in said if abs(said[name]) >= 0.01), key=lambda name: -abs(said[name]))
    return ", ".join(f"{name} {percent(said[name])}" for name in large)


def percent(share: float) -> str:
    """ "48 %"; what is less than half a per cent says so."""
    return "<1 %" if 0 < share < 0.005 else f"{share:.0%}".replace("%", " %")


def signed(seconds: float) -> str:
    """A duration that may be below nothing; empty for none."""
    return ("-" if seconds < 0 else "") + numbers.seconds(abs(seconds)) if seconds else ""
