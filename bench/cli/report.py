"""`bench report`: the reports of a run, of two runs, or of all runs, written from their records and shown."""

import gc
from pathlib import Path

import typer

from bench.cli import console, notation, session
from bench.cli.options import Report
from bench.results.archive import SUFFIX, is_archive, opened, pack
from bench.results.store import Store, pretty
from impls.contract.setting import SettingError
from reports import write
from reports.compare import tables as compare_tables
from reports.compare.changes import compare_runs
from reports.exit_status import status_of
from reports.exports import csv_parquet, pytest_benchmark
from reports.formats import NONE, Formats
from reports.history import tables as history_tables
from reports.history.trends import read as read_runs
from reports.html import run_page
from reports.json_document import document
from reports.profile import differential, predictions, profiled, text
from reports.run import markdown, terminal
from reports.run.report import RunReport, read


def report(typed: Report) -> None:
    """Writes the reports of a run again; or compares it with another run; or shows all runs as a history."""
    with session.refusals():
        check(typed)
        formats = notation.formats(typed.formats, typed.export)
        if typed.history:
            show_history(typed.results, Store(typed.out or typed.results), formats, json_=typed.json_)
            return
        with opened(typed.run, typed.results) as store:
            target = Store(typed.out) if typed.out else store
            if typed.against:
                with opened(typed.against, typed.results) as earlier:
                    run = show_changes(store, earlier, target, formats, json_=typed.json_)
            else:
                run = show(store, target, formats, json_=typed.json_)
            if typed.archive:
                pack(store.path, typed.archive)
    raise typer.Exit(status_of(run))


def check(typed: Report) -> None:
    """Raises SettingError for a history of a single run, and for archives that cannot be written or drawn into."""
    if typed.history and (typed.against or typed.archive or typed.run != "latest"):
        raise SettingError("--history is about all runs of --results: leave out RUN, --against and --archive.")
    if typed.archive and not typed.archive.name.endswith(SUFFIX):
        raise SettingError(f"--archive takes a file whose name ends in {SUFFIX}; got {str(typed.archive)!r}.")
    if is_archive(typed.run) and not typed.out:
        raise SettingError("A report of an archive needs a folder to be drawn into: add --out FOLDER.")


def show(store: Store, target: Store, formats: Formats = NONE, *, json_: bool) -> RunReport:
    """Writes the reports of a run to the target, and shows them."""
    run = _read(store)
    files = write.write(run, store, target, formats)
    if json_:
        console.print_json(document(run, str(target.path)))
    else:
        wide = console.console()
        console.show(terminal.render(run, wide.width), wide)
        pictures = sorted(path.relative_to(target.path).as_posix() for path in (target.path / "pictures").glob("*"))
        console.name_files(target.path, files + pictures)
    return run


def shown(folder: Path) -> str:
    """The summary of a run, once its document, its page and its exports could be made, too; in memory, without pictures."""
    store = Store(folder)
    run = read(store)
    pretty(document(run, ""))
    run_page.render(run, [], store)
    csv_parquet.to_csv(run.records)
    csv_parquet.to_parquet(run.records)
    pytest_benchmark.export(run)
    return markdown.render(run)


def show_profiles(store: Store, *, json_: bool) -> RunReport:
    """Writes the reports of a profiled run, and shows where the time of its arms goes; of two arms, the difference."""
    run = _read(store)
    files = write.write(run, store, store)
    profiles = {result.race: result.profiled for result in run.races if result.profiled}
    pairs = [
        pair
        for each in profiles.values()
        if (pair := differential.differential_of_two(each.attributions, each.profiles))
    ]
    if json_:
        console.print_json(profiled.document(str(store.path), list(profiles.values()), pairs))
        return run
    wide = console.console()
    for race, each in profiles.items():
        console.show([f"\n{race.title}"], wide)
        console.show(text.terminal(each.attributions, wide.width, how=True), wide)
        console.show(predictions.terminal(each.predictions, wide.width), wide)
    for pair in pairs:
        console.show(differential.terminal(pair, wide.width), wide)
    console.name_files(store.path, files)
    return run


def show_changes(store: Store, earlier: Store, target: Store, formats: Formats, *, json_: bool) -> RunReport:
    """Writes what has changed since an earlier run, and shows it. Raises StoreError when the two cannot be compared."""
    now, then = _read(store), _read(earlier)
    changes = compare_runs(now, then)
    files = compare_tables.write(changes, now.palette, target, formats.figures)
    if json_:
        console.print_json(document(now, str(target.path)) | {"against": compare_tables.document(changes)})
    else:
        wide = console.console()
        console.show(compare_tables.render(changes, wide.width), wide)
        console.name_files(target.path, files)
    return now


def show_history(results: Path, target: Store, formats: Formats, *, json_: bool) -> None:
    """Writes how the arms of all runs of a folder changed, and shows it. Raises StoreError where there is no run."""
    histories = read_runs(results)
    console.warn(histories.complaints)
    files = history_tables.write(histories, target, formats.figures)
    if json_:
        console.print_json(history_tables.document(histories))
    else:
        wide = console.console()
        console.show(history_tables.render(histories, wide.width), wide)
        console.name_files(target.path, files)


def _read(store: Store) -> RunReport:
    gc.disable()  # ten thousand records without a cycle: the collector would search them for a tenth of a report's time
    run = read(store)
    gc.freeze()
    gc.enable()
    console.warn(run.complaints)
    return run
