"""What the door shows: reports as tables or JSON on standard output, progress and complaints on standard error."""

import gc
import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from bench.gate.run import Progress as Gating
    from bench.profiler.profile_run import Progress as Profiling
    from bench.results.record import Race, Record
    from bench.results.store import Store
    from bench.runner.race import Progress
    from reports.gate.summary import GateReport
    from reports.profile.profiled import Profiled
    from reports.run.comparison import Comparison


def console() -> "Console":
    """As wide as the terminal; wide enough for a table where there is none."""
    from rich.console import Console

    return Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=150)


def show(renderables: "Iterable[RenderableType]", onto: "Console | None" = None) -> None:
    """Prints them one below another."""
    target = onto or console()
    for renderable in renderables:
        target.print(renderable)


def name_files(folder: object, files: Sequence[str]) -> None:
    """Where to look next: the file to open, and what lies beside it, folders by the number of their files."""
    first, *others = files
    counted = Counter(f"{name.partition('/')[0]}/" if "/" in name else name for name in others)
    named = [f"{name} ({count} files)" if name.endswith("/") else name for name, count in counted.items()]
    print(f"\nOpen {folder}/{first}\nBeside it: {', '.join(named)}")


def print_json(document: Any) -> None:
    """One strict JSON document, and nothing else."""
    print(json.dumps(document, indent=1, allow_nan=False))


def say(text: str, end: str = "\n") -> None:
    """A line for people, whatever standard output is used for."""
    print(text, end=end, file=sys.stderr, flush=True)


def warn(complaints: Iterable[str]) -> None:
    """What could not be read, a line each."""
    for complaint in complaints:
        say(f"warning: {complaint}")


def tell(event: "Progress", most: int) -> None:
    """One line that is drawn over on a terminal; on anything else a line a step, without the laps."""
    if sys.stderr.isatty() or not event.doing.startswith("lap"):
        _tell(event, f"{event.race.workload}, round {event.round} of at most {most}: {event.doing}")


def tell_profiling(event: "Profiling") -> None:
    """The same, of a profiling."""
    _tell(event, f"profile: {event.doing}")


def tell_gate(event: "Gating") -> None:
    """The same, of a gate."""
    _tell(event, f"gate: {event.doing}")


def _tell(event: "Progress | Profiling | Gating", text: str) -> None:
    from reports.text.terminal import progress_line

    terminal = sys.stderr.isatty()
    line = progress_line(event.elapsed, event.expected, text, bar=terminal)
    say(f"\r\x1b[K{line}" if terminal else line, end="" if terminal else "\n")


def clear_line() -> None:
    """Makes room where progress was told."""
    say("", end="\r\x1b[K" if sys.stderr.isatty() else "")


def report(store: "Store", target: "Store", *, json_: bool) -> "Comparison":
    """Writes the reports of a run to the target, and shows them."""
    from reports.json_document import document
    from reports.profile import text
    from reports.run import terminal

    comparison, found, files = _written(store, target)
    if json_:
        print_json(document(comparison, str(target.path), found))
    else:
        wide = console()
        spent = {race: text.terminal(each.attributions, wide.width) for race, each in found.items()}
        show(terminal.render(comparison, wide.width, spent), wide)
        pictures = sorted(path.relative_to(target.path).as_posix() for path in (target.path / "pictures").glob("*"))
        name_files(target.path, files + pictures)
    return comparison


def profiles(store: "Store", *, json_: bool) -> "Comparison":
    """Writes the reports of a run that was profiled, and shows where the time of its arms goes; of two arms, the difference."""
    from reports.profile import differential, profiled, text

    comparison, found, files = _written(store, store)
    pairs = [
        pair for each in found.values() if (pair := differential.differential_of_two(each.attributions, each.profiles))
    ]
    if json_:
        print_json(profiled.document(str(store.path), found, pairs))
        return comparison
    wide = console()
    for race, each in found.items():
        show([f"\n{race.title}"], wide)
        show(text.terminal(each.attributions, wide.width, how=True), wide)
    for pair in pairs:
        show(differential.terminal(pair, wide.width), wide)
    name_files(store.path, files)
    return comparison


def _written(store: "Store", target: "Store") -> tuple["Comparison", "dict[Race, Profiled]", list[str]]:
    """Reads a run once and writes its reports: what was read, and the names of the files."""
    from reports import write
    from reports.profile.profiled import profiled_of

    comparison, records, complaints = _read(store)
    found, torn = profiled_of(store, comparison.races)
    warn(torn)
    return comparison, found, write.write(comparison, records, store, target, [*complaints, *torn], found)


def against(store: "Store", earlier: "Store", target: "Store", *, json_: bool) -> "Comparison":
    """Writes what has changed since an earlier run to the target, and shows it. Raises StoreError when nothing can be said."""
    from reports.compare import tables
    from reports.compare.changes import Side, versus
    from reports.figures.kit.colours import cast_of
    from reports.json_document import document

    now, then = Side(*_compared(store)), Side(*_compared(earlier))
    found = versus(now, then)
    files = tables.write(found, cast_of(now.comparison), target)
    if json_:
        print_json(document(now.comparison, str(target.path)) | {"against": tables.document(found)})
    else:
        wide = console()
        show(tables.render(found, wide.width), wide)
        name_files(target.path, files)
    return now.comparison


def history(results: Path, target: "Store", *, json_: bool) -> None:
    """Writes how the arms of all runs of a folder went to the target, and shows it. Raises StoreError for no run at all."""
    from bench.results.store import Store
    from reports.figures.kit.colours import cast_of
    from reports.history import tables
    from reports.history.trends import read

    found = read(results)
    warn(found.complaints)
    latest = {each.machine: Store(each.runs[-1].folder) for each in found.histories}
    casts = {machine: cast_of(_compared(store)[0]) for machine, store in latest.items()}
    files = tables.write(found, casts, target)
    if json_:
        print_json(tables.document(found))
    else:
        wide = console()
        show(tables.render(found, wide.width), wide)
        name_files(target.path, files)


def gate(
    report: "GateReport", path: Path, files: Sequence[str], *, json_: bool, annotations: bool, markdown: Path | None
) -> None:
    """Shows what a gate has found, in all the ways that were asked for; its headline last."""
    from reports.gate import annotations as notes
    from reports.gate import json_document, terminal
    from reports.gate import markdown as summary

    if annotations:
        say(notes.render(report))  # GitHub reads them there, too, and standard output may be a document
    if json_:
        print_json(json_document.document(report))
    else:
        name_files(path, files)
        wide = console()
        show(terminal.render(report, wide.width), wide)
    if markdown:
        with markdown.open("a", encoding="utf-8") as file:
            file.write(summary.render(report) + "\n")


def score(target: Path) -> None:
    """Writes what rival gates said as a table and a picture, and names the files."""
    from bench.results.store import Store
    from bench.selfbench.gate_score import tally
    from reports.gate.score import figure

    files = figure.files(tally(target))
    for name, content in files.items():
        Store(target).write(name, content)
    name_files(target, list(files))


def _compared(store: "Store") -> tuple["Comparison", "list[Record]"]:
    comparison, records, _ = _read(store)
    return comparison, records


def _read(store: "Store") -> tuple["Comparison", "list[Record]", list[str]]:
    from reports.run.comparison import compare

    gc.disable()  # what is read is a forest of ten thousand trees without a cycle: looking for one takes a tenth of a report
    records, complaints = store.records()
    gc.freeze()
    gc.enable()
    warn(complaints)
    return compare(store.plan(), store.environment(), records), records, complaints
