"""The doctor's findings, for the terminal and as a JSON document."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bench.results.finding import GRADES, Finding, Grade, Resolution
from impls.contract.words import counted
from reports.text.sanitize import plain

FORMAT = 1
GLYPHS: dict[Grade, str] = {"bad": "✖", "caution": "!", "unknown": "?", "fine": "✔"}
WORDS: dict[Grade, str] = {"bad": "bad", "caution": "caution", "unknown": "unknown", "fine": "fine"}
STYLES: dict[Grade, str] = {"bad": "bold red", "caution": "yellow", "unknown": "cyan", "fine": "green"}
NARROW = 60  # characters a line below which a topic has a line of its own


def render(
    findings: Sequence[Finding], resolution: Resolution | None = None, width: int = 150
) -> Iterator[RenderableType]:
    """The findings, worst first, each with what to do; then the verdict, and how small a change the machine can show.

    width  characters a line
    """
    for grade in GRADES:
        of_grade = [each for each in findings if each.grade == grade]
        if of_grade:
            yield Text()
            yield Text(f"{GLYPHS[grade]} {WORDS[grade]}", style=STYLES[grade])
            yield Padding(_table(of_grade, width), (0, 0, 0, 2))
    yield Text()
    yield Text(verdict(findings, resolution), style="bold")


def _table(findings: Sequence[Finding], width: int) -> Table:
    """A line for each finding: its topic, what was seen, where, and what to do; less of those that are fine."""
    wide = width >= NARROW
    table = Table.grid(padding=(0, 2))
    if wide:
        table.add_column(min_width=18, no_wrap=True)
    table.add_column(overflow="fold")
    for each in findings:
        fine = each.grade == "fine"
        topic, seen = Text(plain(each.topic), style="" if fine else "bold"), Text(plain(each.seen))
        if not wide:
            seen = Text.assemble(topic, ": ", seen)
        if not fine:
            seen.append(f"  ({plain(each.source)})", style="dim")
        lines = [seen]
        lines += [Text(f"→ {plain(each.advice)}")] if each.advice else []
        lines += [Text(f"$ {plain(each.command)}", style="cyan")] if each.command else []
        table.add_row(*([topic] if wide else []), Text("\n").join(lines), style="dim" if fine else "")
    return table


def verdict(findings: Sequence[Finding], resolution: Resolution | None = None) -> str:
    """ "This machine has 1 thing that is bad for measuring and 2 to be careful with; ...": all findings in one sentence."""
    counts = {grade: sum(each.grade == grade for each in findings) for grade in GRADES}
    if counts["bad"]:
        judgement = f"{counted(counts['bad'], 'thing is', 'things are')} bad for measuring here"
    elif counts["caution"]:
        judgement = "this machine can be measured on, with care"
    else:
        judgement = "this machine is fit to measure on"
    more = [f"{counts['caution']} to be careful with"] if counts["caution"] else []
    more += [f"{counts['unknown']} cannot be known here"] if counts["unknown"] else []
    more += [f"{counts['fine']} fine"]
    sentence = f"{judgement} ({', '.join(more)})"
    if resolution is not None:
        sentence += f"; {resolution.sentence}"
    return f"{sentence[:1].upper()}{sentence[1:]}."


def document(findings: Sequence[Finding], resolution: Resolution | None = None) -> dict[str, Any]:
    """The same as plain dictionaries and lists, in the order of the checks."""
    return {
        "format": FORMAT,
        "verdict": verdict(findings, resolution),
        "counts": {grade: sum(each.grade == grade for each in findings) for grade in GRADES},
        "findings": [msgspec.to_builtins(each) for each in findings],
        "resolution": None if resolution is None else msgspec.to_builtins(resolution),
    }


def render_store(
    place: Path, checked: int, troubles: Sequence[tuple[str, str]], *, repaired: bool
) -> Iterator[RenderableType]:
    """What is damaged in a folder of results, and what became of it.

    checked   runs and gates that were looked at
    troubles  path below the place, and why nothing can use it
    repaired  whether it was put aside
    """
    for path, why in troubles:
        yield Text.assemble((f"{GLYPHS['bad']} {plain(path)}", "bold"), f": {plain(why)}")
    whole = counted(checked, "run or gate", "runs and gates")
    if not troubles:
        sentence = f"{whole} in {place}: nothing is damaged or half-written."
    elif repaired:
        moved = counted(len(troubles), "thing was", "things were")
        sentence = f"{whole} in {place}: {moved} put aside in {place / 'quarantine'}, nothing was deleted."
    else:
        sentence = (
            f"{whole} in {place}: {counted(len(troubles), 'thing is', 'things are')} damaged. --repair puts them aside."
        )
    yield Text(plain(sentence), style="bold")


def store_document(checked: int, troubles: Sequence[tuple[str, str]], *, repaired: bool) -> dict[str, Any]:
    """The same as plain dictionaries and lists."""
    return {
        "format": FORMAT,
        "checked": checked,
        "repaired": repaired,
        "troubles": [{"path": path, "why": why} for path, why in troubles],
    }
