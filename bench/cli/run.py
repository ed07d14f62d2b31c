"""`bench run`: a race, from what was typed to the reports."""

from dataclasses import replace

import typer

from bench.cli import console, notation, options, session
from bench.cli.options import Run
from bench.processes.worker_process import ROOT
from bench.results.store import Store
from bench.runner.plan import Choice, Sweep
from bench.runner.resume import check
from bench.system.environment import describe
from impls.recipe import steps
from reports.exit_status import Exit, status_of

RESUMABLE = ("resume", "results", "profile", "formats", "export", "json_")  # may be typed with --resume


def run(typed: Run) -> None:
    """Races the arms, or completes a run that was begun, and writes its reports."""
    with session.refusals():
        formats = notation.formats(typed.formats, typed.export)
        if typed.resume is not None:
            options.refuse_settled(typed, RESUMABLE, "run")
            store = Store.find(typed.resume, typed.results)
            check(store, describe(ROOT, session.imported(store.plan())))
        else:
            store = session.begin(choice(typed), typed.results)
        interrupted = session.race(store, quiet=typed.json_) or (typed.profile and session.profile(store))
        from bench.cli import report  # after the race: what draws takes memory, and seconds to load

        comparison = report.show(store, store, formats, json_=typed.json_)
    if interrupted:
        console.say(f"Interrupted. Finished rounds are kept; go on with: python -m bench run --resume {store.path}")
        raise typer.Exit(Exit.INTERRUPTED)
    raise typer.Exit(status_of(comparison))


def choice(typed: Run) -> Choice:
    """What to race. Raises SettingError for what makes no sense."""
    sweep = Sweep(*notation.sweep(typed.sweep)) if typed.sweep else None
    if typed.names and not all(map(steps.is_step, typed.names)):
        typed = replace(typed, names=None, workload=[*typed.names, *(typed.workload or ())])
    return Choice(
        **session.arms(typed, *(typed.names or ()), folder=typed.folder),
        reference=typed.reference,
        effort=typed.effort or ("quick" if sweep else "standard"),
        rounds=notation.count("--rounds", typed.rounds) if typed.rounds else None,
        budget=notation.duration("--budget", typed.budget) if typed.budget else None,
        sweep=sweep,
    )
