"""`bench climb`: the fastest recipe for a step, from what was typed to the reports and the file to use."""

from functools import partial
from pathlib import Path

import typer

from bench.cli import console, notation, options, session
from bench.cli.options import Climb
from bench.climb.run import with_climb
from bench.processes.worker_process import ROOT
from bench.results.store import Store
from bench.runner.plan import Choice
from bench.runner.resume import check
from bench.system.environment import describe
from impls.contract.setting import SettingError
from impls.recipe import steps
from impls.recipe.recipe import Recipe
from impls.recipe.written.module import written
from reports.exit_status import Exit, status_of
from reports.run.report import RunReport

RESUMABLE = ("resume", "results", "write", "formats", "export", "json_")  # may be typed with --resume


def climb(typed: Climb) -> None:
    """Races all rewrites of a step, climbs from there, and writes the reports; or completes a climb that was begun."""
    with session.refusals():
        formats = notation.formats(typed.formats, typed.export)
        if typed.write and typed.write.exists():
            raise SettingError(f"{typed.write} exists already: name another file with --write.")
        if typed.resume is not None:
            options.refuse_settled(typed, RESUMABLE, "climb")
            store = Store.find(typed.resume, typed.results)
            if not is_ended(store):  # else nothing is measured any more: only its reports and its file are written
                check(store, describe(ROOT, session.imported(store.plan())))
        else:
            budget = notation.duration("--budget", typed.budget)
            store = session.begin(choice(typed), typed.results, partial(with_climb, budget=budget))
        interrupted = session.race(store, quiet=True)
        from bench.cli import report  # after the race: what draws takes memory, and seconds to load

        run = report.show(store, store, formats, json_=typed.json_)
        if typed.write:
            write(run, Path(store.plan().folder) if store.plan().folder else None, typed.write)
    if interrupted:
        console.say(f"Interrupted. Finished rounds are kept; go on with: python -m bench climb --resume {store.path}")
        raise typer.Exit(Exit.INTERRUPTED)
    raise typer.Exit(status_of(run))


def is_ended(store: Store) -> bool:
    """Whether every climb of a run has come to its end."""
    climbs = [store.climb(race) for race in store.plan().races]
    return all(climb and climb.ended for climb in climbs)


def write(run: RunReport, folder: Path | None, target: Path) -> None:
    """Writes the recipe that the climb ended with as a module of its own, and says so.

    folder  that has the step, where it is not shipped and no path

    Raises CannotBeWritten for a recipe that has no file.
    """
    (result,) = run.races
    row = result.climb.row if result.climb else None
    if row is None:
        console.say(f"{target} is not written: nothing was proved faster than the step as it is.")
        return
    file = steps.find(result.race.workload, folder)
    values = dict(file.parameters) | row.arm.setting.named
    target.write_text(written(file, Recipe.read(row.arm.implementation), row.patch, values), encoding="utf-8")
    console.say(f"{target} runs the step as {row.arm.implementation}: from {target.stem} import make_update")


def choice(typed: Climb) -> Choice:
    """What to race. Raises SettingError for what is not one step at one setting."""
    names = typed.names or []
    if len(names) != 1 or not steps.is_step(names[0]):
        raise SettingError("A climb needs one step: my_step.py, or a shipped one such as steps/vae.")
    return Choice(**session.arms(typed, *names, folder=typed.folder), effort=typed.effort or "standard")
