"""`bench report`: the reports of a run, of two runs, or of all runs, written from their records and shown."""

import gc
from pathlib import Path

import typer

from bench.cli import console, session
from bench.cli.options import Report
from bench.results.archive import SUFFIX, is_archive, opened, pack
from bench.results.record import Race, Record
from bench.results.store import Store
from impls.contract.setting import SettingError
from reports import write
from reports.compare import tables as compare_tables
from reports.compare.changes import Side, versus
from reports.exit_status import status_of
from reports.figures.kit.colours import palette_of
from reports.history import tables as history_tables
from reports.history.trends import read
from reports.json_document import document
from reports.profile import differential, profiled, text
from reports.profile.profiled import Profiled, profiled_of
from reports.run import terminal
from reports.run.comparison import Comparison, compare


def report(typed: Report) -> None:
    """Writes the reports of a run again; or compares it with another run; or shows all runs as a history."""
    with session.refusals():
        check(typed)
        if typed.history:
            show_history(typed.results, Store(typed.out or typed.results), json_=typed.json_)
            return
        with opened(typed.run, typed.results) as store:
            target = Store(typed.out) if typed.out else store
            if typed.against:
                with opened(typed.against, typed.results) as earlier:
                    comparison = show_changes(store, earlier, target, json_=typed.json_)
            else:
                comparison = show(store, target, json_=typed.json_)
            if typed.archive:
                pack(store.path, typed.archive)
    raise typer.Exit(status_of(comparison))


def check(typed: Report) -> None:
    """Raises SettingError for a history of a single run, and for archives that cannot be written or drawn into."""
    if typed.history and (typed.against or typed.archive or typed.run != "latest"):
        raise SettingError("--history is about all runs of --results: leave out RUN, --against and --archive.")
    if typed.archive and not typed.archive.name.endswith(SUFFIX):
        raise SettingError(f"--archive takes a file whose name ends in {SUFFIX}; got {str(typed.archive)!r}.")
    if is_archive(typed.run) and not typed.out:
        raise SettingError("A report of an archive needs a folder to be drawn into: add --out FOLDER.")


def show(store: Store, target: Store, *, json_: bool) -> Comparison:
    """Writes the reports of a run to the target, and shows them."""
    comparison, profiles, files = _write(store, target)
    if json_:
        console.print_json(document(comparison, str(target.path), profiles))
    else:
        wide = console.console()
        spent = {race: text.terminal(each.attributions, wide.width) for race, each in profiles.items()}
        console.show(terminal.render(comparison, wide.width, spent), wide)
        pictures = sorted(path.relative_to(target.path).as_posix() for path in (target.path / "pictures").glob("*"))
        console.name_files(target.path, files + pictures)
    return comparison


def show_profiles(store: Store, *, json_: bool) -> Comparison:
    """Writes the reports of a profiled run, and shows where the time of its arms goes; of two arms, the difference."""
    comparison, profiles, files = _write(store, store)
    pairs = [
        pair
        for each in profiles.values()
        if (pair := differential.differential_of_two(each.attributions, each.profiles))
    ]
    if json_:
        console.print_json(profiled.document(str(store.path), profiles, pairs))
        return comparison
    wide = console.console()
    for race, each in profiles.items():
        console.show([f"\n{race.title}"], wide)
        console.show(text.terminal(each.attributions, wide.width, how=True), wide)
    for pair in pairs:
        console.show(differential.terminal(pair, wide.width), wide)
    console.name_files(store.path, files)
    return comparison


def show_changes(store: Store, earlier: Store, target: Store, *, json_: bool) -> Comparison:
    """Writes what has changed since an earlier run, and shows it. Raises StoreError when the two cannot be compared."""
    now, then = Side(*_compared(store)), Side(*_compared(earlier))
    changes = versus(now, then)
    files = compare_tables.write(changes, palette_of(now.comparison), target)
    if json_:
        against = {"against": compare_tables.document(changes)}
        console.print_json(document(now.comparison, str(target.path)) | against)
    else:
        wide = console.console()
        console.show(compare_tables.render(changes, wide.width), wide)
        console.name_files(target.path, files)
    return now.comparison


def show_history(results: Path, target: Store, *, json_: bool) -> None:
    """Writes how the arms of all runs of a folder changed, and shows it. Raises StoreError where there is no run."""
    histories = read(results)
    console.warn(histories.complaints)
    latest = {each.machine: Store(each.runs[-1].folder) for each in histories.histories}
    palettes = {machine: palette_of(_compared(store)[0]) for machine, store in latest.items()}
    files = history_tables.write(histories, palettes, target)
    if json_:
        console.print_json(history_tables.document(histories))
    else:
        wide = console.console()
        console.show(history_tables.render(histories, wide.width), wide)
        console.name_files(target.path, files)


def _write(store: Store, target: Store) -> tuple[Comparison, dict[Race, Profiled], list[str]]:
    """Reads a run once and writes its reports: what was read, and the names of the files."""
    comparison, records, complaints = _read(store)
    profiles, torn = profiled_of(store, comparison.races)
    console.warn(torn)
    return comparison, profiles, write.write(comparison, records, store, target, [*complaints, *torn], profiles)


def _compared(store: Store) -> tuple[Comparison, list[Record]]:
    comparison, records, _ = _read(store)
    return comparison, records


def _read(store: Store) -> tuple[Comparison, list[Record], list[str]]:
    gc.disable()  # ten thousand records without a cycle: the collector would search them for a tenth of a report's time
    records, complaints = store.records()
    gc.freeze()
    gc.enable()
    console.warn(complaints)
    return compare(store.plan(), store.environment(), records), records, complaints
