"""`bench doctor`: whether this machine is fit to measure on."""

import typer

from bench.cli import console, session
from bench.cli.options import Doctor
from bench.doctor import resolution
from bench.doctor.checks import examine
from reports import doctor as report
from reports.exit_status import Exit


def doctor(typed: Doctor) -> None:
    """Shows what was found, and how small a change the machine can show unless only a look was asked for."""
    findings, measured, interrupted = list(examine(typed.results)), None, False
    if not typed.quick:
        with session.refusals(), resolution.prepared() as store:
            interrupted = session.race(store, quiet=typed.json_)
            measured, finding = resolution.measured(store.records()[0])
            findings.append(finding)
    if typed.json_:
        console.print_json(report.document(findings, measured))
    else:
        terminal = console.console()
        console.show(report.render(findings, measured, terminal.width), terminal)
    raise typer.Exit(Exit.INTERRUPTED if interrupted else Exit.DONE)
