"""`bench doctor`: whether this machine is fit to measure on; or whether a folder of results is whole."""

from pathlib import Path

import typer

from bench.cli import console, session
from bench.cli.options import Doctor
from bench.doctor import resolution, store
from bench.doctor.checks import examine
from impls.contract.setting import SettingError
from reports import doctor as report
from reports.exit_status import Exit


def doctor(typed: Doctor) -> None:
    """Shows what was found, and how small a change the machine can show unless only a look was asked for."""
    if typed.store is not None or typed.repair:
        raise typer.Exit(of_store(typed))
    findings, measured, interrupted = list(examine(typed.results)), None, False
    if not typed.quick:
        with session.refusals(), resolution.prepared() as run:
            interrupted = session.race(run, quiet=typed.json_)
            measured, finding = resolution.measured(run.records()[0])
            findings.append(finding)
    if typed.json_:
        console.print_json(report.document(findings, measured))
    else:
        terminal = console.console()
        console.show(report.render(findings, measured, terminal.width), terminal)
    raise typer.Exit(Exit.INTERRUPTED if interrupted else Exit.DONE)


def of_store(typed: Doctor) -> Exit:
    """Shows what is damaged in a folder of results, and puts it aside where that was asked for."""
    with session.refusals(OSError):
        place = typed.store or Path()
        if typed.store is None or not place.is_dir():
            raise SettingError("--store takes a folder of runs and gates, e.g. --store results; --repair goes with it.")
        checked, found = store.folders(place), list[store.Trouble]()
        for folder in checked:
            while folder.is_dir() and (troubles := list(store.troubles(folder))):
                found += troubles
                if not typed.repair:
                    break
                for trouble in troubles:
                    store.put_aside(place, trouble)
        pairs = [(str(trouble.path.relative_to(place)), trouble.why) for trouble in found]
        if typed.json_:
            console.print_json(report.store_document(len(checked), pairs, repaired=typed.repair))
        else:
            console.show(report.render_store(place, len(checked), pairs, repaired=typed.repair))
    return Exit.DONE if not found or typed.repair else Exit.UNMEASURED
