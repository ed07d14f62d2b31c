"""Attributions as text: a sentence with advice for each arm, tables for terminal and Markdown, and the JSON document."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from rich.console import RenderableType
from rich.text import Text

from bench.results.profile import Energy
from reports.profile import modules
from reports.profile.attribution import Attribution
from reports.profile.parts import OVERHEAD, WORK, Part, PartName
from reports.text import numbers
from reports.text.columns import Column, cells, heads
from reports.text.markdown import table as markdown_table
from reports.text.numbers import percent
from reports.text.sanitize import escape_markdown, plain
from reports.text.terminal import indented
from reports.text.terminal import table as terminal_table

# What each part is called in a sentence, and what can be done about it where it is the largest.
ADVICE = {
    PartName.INTERPRETER: ("the interpreter", "put the loop itself into compiled code, or capture it"),
    PartName.CALL: ("the call itself", "make more updates in one call"),
    PartName.DISPATCH: ("dispatch", "compile it, or capture it: fewer operations, and larger ones"),
    PartName.AUTOGRAD: ("autograd's own work", "write the gradient out, or trace it into the compiled update"),
    PartName.OPTIMIZER: ("the optimizer's own work", "change the weights in place by hand, or compile the step"),
    PartName.ENTERING_COMPILED_CODE: (
        "entering compiled code",
        "make several updates in one call: unroll them, or compile the loop itself",
    ),
    PartName.DEVICE_WITHOUT_DATA: (
        "kernels that would take as long without data",
        "use fewer, larger kernels: a persistent one at best",
    ),
    PartName.DATA_PATH: (
        "fetching rows",
        "lay the rows out in their order beforehand, or fetch whole batches by one indexing",
    ),
    PartName.COPIES: ("copying", "keep the data where they are used, and write results in place"),
    PartName.WAITING: ("waiting for the device", "read results less often: reading a number waits for the device"),
    PartName.LAUNCH_GAPS: ("the device standing idle", "capture the update as a CUDA graph, or put it into one kernel"),
    PartName.READING_ONCE: ("reading the data once", "only fewer bytes can help: another dtype, or another algorithm"),
    PartName.FORWARD_KERNELS: (
        "the forward pass",
        "fuse the operations: compile the update, or write results in place",
    ),
    PartName.BACKWARD_KERNELS: (
        "the backward pass",
        "write the gradient out and fuse it with the forward pass: compile both",
    ),
    PartName.OPTIMIZER_KERNELS: ("the optimizer", "fuse what it does: fused=True, foreach=True, or compile the step"),
    PartName.COMPILED_KERNELS: (
        "compiled kernels",
        "compute both sums in one pass, or let the compiler search longer (max-autotune)",
    ),
    PartName.KERNELS: ("more passes over the data, and arithmetic", "compute both sums in one pass, and vectorise it"),
    PartName.DEVICE_KERNELS: ("kernels on the device", "fuse them: fewer passes over the data"),
    PartName.FORWARD: (
        "the forward pass",
        "fuse its operations: compile the loss, or the whole update as one graph",
    ),
    PartName.BACKWARD: ("the backward pass", "compile it with the forward pass, in one graph"),
    PartName.OPTIMIZER_STEP: ("the optimizer's step", "race its fused form, or compile the whole update"),
    PartName.COMPILED_CODE: ("compiled code", "larger batches share its fixed costs; what is left is arithmetic"),
    PartName.WATCHING: ("watching", "look less often"),
    PartName.UNEXPLAINED: ("not explained", "profile again on a quieter machine"),
}
# From where on an attribution is doubted, as shares: disturbed by the profiler; unexplained; time without data over time with.
DISTURBED, UNEXPLAINED, REVERSED = 0.2, 0.1, 1.1


def sentence(attribution: Attribution) -> str:
    """ "92 % of an update is dispatch: compile it": the largest family of parts, its largest part, and what can be done."""
    joined = () if attribution.arm.setting.is_step else (OVERHEAD, WORK)
    alone = [name for name in ADVICE if not any(name in family for family in joined)]
    families: list[tuple[PartName, ...]] = [*joined, *((name,) for name in alone)]
    family = max(families, key=lambda names: sum(abs(attribution.share(name)) for name in names))
    largest = max(family, key=lambda name: abs(attribution.share(name)))
    share, share_of_largest = attribution.share(*family), attribution.share(largest)
    name, advice = ADVICE[largest]
    if family == (PartName.UNEXPLAINED,):
        return f"{percent(share)} of an update is {name}: {advice}."
    if attribution.algorithmic and family == OVERHEAD:
        return f"{percent(share)} of an update has nothing to do with the size of the data: all that is left is arithmetic."
    more_parts = share - share_of_largest >= 0.01
    if family == OVERHEAD:
        finding = f"{percent(share)} of an update has nothing to do with the size of the data"
        finding += f", {percent(share_of_largest)} is {name}" if more_parts else f": it is {name}"
    elif family == WORK:
        beyond = " beyond reading them once" if attribution.share(PartName.READING_ONCE) else ""
        finding = f"{percent(share)} of an update is work on the data{beyond}"
        finding += f", {percent(share_of_largest)} in {name}" if more_parts and largest != PartName.KERNELS else ""
        if attribution.readings:
            finding += f", as if they were read {numbers.times(attribution.readings)}"
    else:
        finding = f"{percent(share)} of an update is {name}"
    return f"{finding}: {advice}."


def doubts(attribution: Attribution) -> Iterator[str]:
    """Why an attribution is less certain than others, in sentences."""
    name = attribution.arm.name
    if abs(attribution.unexplained) > UNEXPLAINED:
        yield (
            f"{percent(attribution.unexplained)} of the update of {name} is not explained: "
            "the machine ran at another speed while it was profiled. Profile it again."
        )
    if attribution.without_data > REVERSED:
        yield (
            f"{name} took {numbers.times(attribution.without_data)} as long with next to no data as with all of it: the "
            "machine was slower at that moment, so the share of work on the data is too small. Profile it again."
        )
    if attribution.disturbance > DISTURBED:
        yield (
            f"The profiler slowed {name} down by {percent(attribution.disturbance)} more than its own events explain, "
            "so how the cost of the data is shared out is less certain than the rest."
        )


def joules(energy: Energy) -> str:
    """ "460 ± 30 µJ": the energy and the counter's resolution; "less than 40 nJ" where it is below the resolution."""
    if energy.joules <= energy.resolution:
        scale, unit = _joules(energy.resolution)
        return f"less than {numbers.count((max(0.0, energy.joules) + energy.resolution) / scale)} {unit}"
    scale, unit = _joules(energy.joules)
    resolution = energy.resolution / scale
    return f"{numbers.number(energy.joules / scale, resolution)} ± {numbers.number(resolution, resolution)} {unit}"


def above_idle(energy: Energy) -> str:
    """What the joules are counted from, to stand after them."""
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
        "modules": msgspec.to_builtins(attribution.modules),
        "sentence": sentence(attribution),
    }


PARTS: tuple[Column[tuple[Attribution, Part]], ...] = (
    Column(
        "share",
        "of the time that the race measured",
        lambda row, _: percent(row[1].seconds / row[0].measured.value),
    ),
    Column("seconds", "an update", lambda row, _: signed(row[1].seconds) or "0"),
    Column("part", "what the time goes into", lambda row, _: row[1].name, right=False),
    Column("how", "how it was obtained", lambda row, _: row[1].how, right=False, wraps=True),
)


def terminal(attributions: Sequence[Attribution], width: int, *, how: bool = False) -> Iterator[RenderableType]:
    """For each arm its time, its sentence, its shares, and what to doubt.

    how  whether each part has a line of its own that says how it was obtained
    """
    for attribution in attributions:
        yield Text()
        title = f"{plain(attribution.arm.name)}: {numbers.seconds(attribution.measured.value)} an update"
        yield Text(title, style="bold")
        yield indented(plain(sentence(attribution)))
        if how:
            yield Text()
            body = [cells(PARTS, (attribution, part)) for part in attribution.parts]
            yield from terminal_table(PARTS, heads(PARTS), body, width)
        else:
            yield indented(shares(attribution), style="dim")
        if attribution.modules and how:
            rows, columns = modules.listed(attribution.modules), modules.columns(attribution.measured.value)
            yield Text()
            yield from terminal_table(columns, heads(columns), [cells(columns, row) for row in rows], width)
        if attribution.energy:
            yield indented(f"{joules(attribution.energy)} {above_idle(attribution.energy)}", style="dim")
        for doubt in doubts(attribution):
            yield indented(plain(doubt), style="yellow")


def markdown(attributions: Sequence[Attribution]) -> list[str]:
    """Lines of Markdown: a sentence for each arm, a table of seconds an update with a row for each, and what to doubt."""
    if not attributions:
        return []
    columns = [
        Column[Attribution]("arm", "", lambda attribution, _: attribution.arm.name, right=False),
        Column[Attribution]("update", "", lambda attribution, _: numbers.seconds(attribution.measured.value)),
        *(_column(name) for name in PartName if any(attribution.share(name) for attribution in attributions)),
    ]
    body = [cells(columns, attribution) for attribution in attributions]
    lines = [
        f"- {escape_markdown(attribution.arm.name)}: {escape_markdown(_sentences(attribution))}"
        for attribution in attributions
    ]
    by_module = [line for attribution in attributions for line in _modules(attribution)]
    doubtful = [f"> {escape_markdown(doubt)}" for attribution in attributions for doubt in doubts(attribution)]
    return [
        *lines,
        "",
        *markdown_table(columns, heads(columns), body),
        "",
        *by_module,
        *doubtful,
        *([""] if doubtful else []),
    ]


def _modules(attribution: Attribution) -> list[str]:
    """A table of what the modules of a step cost; nothing where that is not known."""
    if not attribution.modules:
        return []
    rows, columns = modules.listed(attribution.modules), modules.columns(attribution.measured.value)
    title = f"{escape_markdown(attribution.arm.name)} by module:"
    return [title, "", *markdown_table(columns, heads(columns), [cells(columns, row) for row in rows]), ""]


def _sentences(attribution: Attribution) -> str:
    """The sentence of an attribution, and its energy where it is known."""
    energy = attribution.energy
    return sentence(attribution) + (f" It takes {joules(energy)} {above_idle(energy)}." if energy else "")


def _column(name: PartName) -> Column[Attribution]:
    return Column(name, "", lambda one, _: signed(sum(part.seconds for part in one.parts if part.name == name)))


def shares(attribution: Attribution) -> str:
    """ "interpreter 48 %, dispatch 10 %, ...": every part of one per cent or more, the largest first."""
    by_part = {part.name: part.seconds / attribution.measured.value for part in attribution.parts}
    large = sorted((name for name in by_part if abs(by_part[name]) >= 0.01), key=lambda name: -abs(by_part[name]))
    return ", ".join(f"{name} {percent(by_part[name])}" for name in large)


def signed(seconds: float) -> str:
    """A duration that may be negative; empty for 0."""
    return ("-" if seconds < 0 else "") + numbers.seconds(abs(seconds)) if seconds else ""
